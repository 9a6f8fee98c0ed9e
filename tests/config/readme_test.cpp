// README and --help tell the same story: these parts of README.md are made from the tables behind both.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "config/support.hpp"
#include "support/document.hpp"
#include "tcp_echo/config/manual.hpp"

namespace tcp_echo::test {
namespace {

constexpr auto kReadme = TCP_ECHO_SOURCE "/README.md";

std::string table_row(const Option& option) {
  const auto spelled =
      option.is_switch() ? option.flag() : option.flag() + " " + std::string(option.placeholder);
  const auto standard = option.default_text.empty() ? "none" : in_cell(option.default_text);
  return "| `" + in_cell(spelled) + "` | `" + standard + "` | " + in_cell(option.full_help()) + " |\n";
}

std::string option_table() {
  std::string table = "| option | default | meaning |\n| --- | --- | --- |\n";
  for (const auto& option : options()) table += table_row(option);
  return table;
}

TEST(Readme, ContainsTheTableOfOptions) { expect_part_is(kReadme, "options", option_table()); }

TEST(Readme, ContainsTheTableOfSignals) {
  expect_part_is(kReadme, "signals", table_of("signal", "effect", signals()));
}

TEST(Readme, ContainsTheTableOfExitCodes) {
  expect_part_is(kReadme, "exit codes", table_of("exit code", "means", exit_codes()));
}

/// Who wants the options should not be tired before they come.
TEST(Readme, IsShort) {
  const auto text = read_document(kReadme);
  EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 280) << "more of it belongs into docs/";
}

}  // namespace
}  // namespace tcp_echo::test
