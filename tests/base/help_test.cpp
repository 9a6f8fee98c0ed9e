#include "tcp_echo/base/help.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>

#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo::test {
namespace {

std::string paragraph(std::string_view text, std::size_t columns) {
  HelpText help(columns);
  help.paragraph(text);
  return help.text();
}

std::string entry(std::string_view name, std::string_view text, std::size_t column, std::size_t columns) {
  HelpText help(columns);
  help.entry(name, text, column);
  return help.text();
}

TEST(HelpText, BreaksLinesBetweenWordsWhereTheyAreFull) {
  EXPECT_EQ(paragraph("four by four", 12), "four by four\n");
  EXPECT_EQ(paragraph("four by four", 11), "four by\nfour\n");
  EXPECT_EQ(paragraph("four by four", 4), "four\nby\nfour\n");
  EXPECT_EQ(paragraph("", 4), "\n");
}

TEST(HelpText, LeavesWholeAWordThatFitsNowhere) {
  EXPECT_EQ(paragraph("a wonderfully long word", 6), "a\nwonderfully\nlong\nword\n");
  EXPECT_EQ(paragraph("wonderfully", 6), "wonderfully\n");
}

TEST(HelpText, GoesOnUnderTheTextAndNotUnderTheName) {
  EXPECT_EQ(entry("--port N", "the port of it", 12, 20), "  --port N  the port\n            of it\n");
}

TEST(HelpText, GivesANameWithoutAGapBehindItItsOwnLine) {
  EXPECT_EQ(entry("--port N", "it", 12, 20), "  --port N  it\n");
  EXPECT_EQ(entry("--port N", "it", 11, 20), "  --port N\n           it\n");
}

TEST(HelpText, ListsUnderAHeadingByTheLongestName) {
  constexpr std::array kEntries = {HelpEntry{"0", "well"}, HelpEntry{"64", "not so well"}};
  HelpText help(14);
  help.list("Codes:", kEntries);
  EXPECT_EQ(help.text(), "Codes:\n  0   well\n  64  not so\n      well\n");
}

/// What standard output is, for as long as this lives.
class StandardOutput {
 public:
  explicit StandardOutput(int fd) : before_(::dup(STDOUT_FILENO)) { ::dup2(fd, STDOUT_FILENO); }
  ~StandardOutput() { ::dup2(before_.get(), STDOUT_FILENO); }
  StandardOutput(const StandardOutput&) = delete;
  StandardOutput& operator=(const StandardOutput&) = delete;

 private:
  UniqueFd before_;
};

std::size_t columns_of_terminal_with(unsigned short columns) {
  winsize size{};
  size.ws_col = columns;
  int master = -1;
  int terminal = -1;
  if (::openpty(&master, &terminal, nullptr, nullptr, &size) != 0) return 0;
  const UniqueFd master_end(master);
  const UniqueFd terminal_end(terminal);
  const StandardOutput output(terminal);
  return columns_of_output();
}

TEST(ColumnsOfOutput, AreThoseOfTheTerminal) {
  EXPECT_EQ(columns_of_terminal_with(132), 132U);
  EXPECT_EQ(columns_of_terminal_with(60), 60U);
}

TEST(ColumnsOfOutput, AreFortyAtLeast) { EXPECT_EQ(columns_of_terminal_with(3), 40U); }

TEST(ColumnsOfOutput, AreEightyWhereNobodySays) {
  EXPECT_EQ(columns_of_terminal_with(0), 80U);
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  const StandardOutput output(writer.get());
  EXPECT_EQ(columns_of_output(), 80U);
}

}  // namespace
}  // namespace tcp_echo::test
