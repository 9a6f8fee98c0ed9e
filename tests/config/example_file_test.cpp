// examples/tcp-echo.toml: every option with its built-in default, made from the table of options.

#include <gtest/gtest.h>
#include <spdlog/fmt/fmt.h>

#include <string>
#include <variant>

#include "config/support.hpp"
#include "config/value.hpp"
#include "support/document.hpp"

namespace tcp_echo::test {
namespace {

bool is_in_files(const Option& option) { return option.name != "config"; }

/// Times as --help writes them, 60s and not 1m.
std::string default_value(const Option& option) {
  if (option.is_list()) return R"(["[::]:8090"])";
  if (std::holds_alternative<DurationValue>(option.value)) return fmt::format("\"{}\"", option.default_text);
  return to_toml(option, configured({}));
}

/// The line that sets an option to its default.
std::string setting(const Option& option) {
  return fmt::format("{} = {}\n", option.key(), default_value(option));
}

std::string example() {
  std::string text =
      "# tcp-echo.toml: every option with its built-in default. Take away the # before what is to change, "
      "and try it:\n"
      "#   tcp-echo-master --config tcp-echo.toml --check\n"
      "# Flags and environment win over this file. --print-config shows what counts in the end, and the "
      "defaults of\n"
      "# your build, which may differ from these.\n";
  for (const auto& option : options()) {
    if (!is_in_files(option)) continue;
    text += fmt::format("\n# {}\n#{}", option.full_help(), setting(option));
  }
  return text;
}

TEST(ExampleFile, IsMadeFromTheTableOfOptions) {
  expect_document_is(TCP_ECHO_SOURCE "/examples/tcp-echo.toml", example());
}

TEST(ExampleFile, ChangesNothingAsItIs) {
  EXPECT_EQ(effective_toml(configured({"--config", TCP_ECHO_SOURCE "/examples/tcp-echo.toml"})),
            effective_toml(configured({})));
}

TEST(ExampleFile, ChangesNothingWhicheverOptionIsTakenIn) {
  const FileFolder folder;
  for (const auto& option : options()) {
    if (!is_in_files(option)) continue;
    const auto file = folder.file("one.toml", setting(option));
    const auto config = configured({"--config", file});
    if (option.is_list()) continue;  // its default is another one where there is no IPv6
    EXPECT_EQ(to_toml(option, config), to_toml(option, configured({}))) << option.name;
  }
}

}  // namespace
}  // namespace tcp_echo::test
