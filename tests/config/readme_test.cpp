// README and --help tell the same story: these parts of README.md are made from the tables behind both.

#include <gtest/gtest.h>

#include <string>

#include "config/support.hpp"
#include "support/document.hpp"
#include "tcp_echo/config/manual.hpp"

namespace tcp_echo::test {
namespace {

std::string table_row(const Option& option) {
  const auto spelled =
      option.is_switch() ? option.flag() : option.flag() + " " + std::string(option.placeholder);
  const auto standard = option.default_text.empty() ? "none" : in_cell(option.default_text);
  const auto* const later = option.support == Support::kLater ? " (not supported yet)" : "";
  return "| `" + in_cell(spelled) + "` | `" + standard + "` | " + in_cell(option.help) + later + " |\n";
}

std::string option_table() {
  std::string table = "| option | default | meaning |\n| --- | --- | --- |\n";
  for (const auto& option : options()) table += table_row(option);
  return table;
}

TEST(Readme, ContainsTheTableOfOptions) { expect_part_is(TCP_ECHO_README, "options", option_table()); }

TEST(Readme, ContainsTheTableOfSignals) {
  expect_part_is(TCP_ECHO_README, "signals", table_of("signal", "effect", signals()));
}

TEST(Readme, ContainsTheTableOfExitCodes) {
  expect_part_is(TCP_ECHO_README, "exit codes", table_of("exit code", "means", exit_codes()));
}

}  // namespace
}  // namespace tcp_echo::test
