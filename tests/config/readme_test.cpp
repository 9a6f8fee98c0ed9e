// README and --help tell the same story: the table in README.md is the one that this test builds from the
// options.

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "config/support.hpp"

namespace tcp_echo::test {
namespace {

/// A pipe would end the cell.
std::string in_cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

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

TEST(Readme, ContainsTheTableOfOptions) {
  std::ifstream stream(TCP_ECHO_README);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  EXPECT_NE(text.find(option_table()), std::string::npos)
      << TCP_ECHO_README << " must contain this table:\n\n"
      << option_table();
}

}  // namespace
}  // namespace tcp_echo::test
