#include "tcp_echo/config/manual.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "config/support.hpp"
#include "tcp_echo/base/text.hpp"

namespace tcp_echo::test {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// All on one line, so that it can be searched.
std::string unwrapped_help() {
  std::string text;
  for (const auto& word : split(help_text(80), '\n')) text += word + ' ';
  return text;
}

TEST(Help, MentionsEveryOptionWithItsPlaceholder) {
  const auto help = help_text(80);
  for (const auto& option : options()) {
    const auto spelled = option.is_switch() ? "--[no-]" + std::string(option.name)
                                            : option.flag() + " " + std::string(option.placeholder);
    EXPECT_THAT(help, HasSubstr("\n  " + spelled)) << option.name;
    EXPECT_THAT(unwrapped_help(), HasSubstr(std::string(option.help))) << option.name;
  }
}

TEST(Help, MentionsEveryActionWithItsLetter) {
  const auto help = help_text(80);
  for (const auto* const flags :
       {"-t, --check ", "--print-config ", "--probe ", "-V, --version ", "-h, --help "})
    EXPECT_THAT(help, HasSubstr("\n  " + std::string(flags)));
}

TEST(Help, NamesDefaultsAndWhatIsStillToCome) {
  EXPECT_THAT(unwrapped_help(), HasSubstr("quiet for this long (default " +
                                          std::string(row("idle-timeout").default_text) + ") "));
  EXPECT_THAT(unwrapped_help(), HasSubstr("one line per closed connection (not supported yet) "));
  EXPECT_THAT(unwrapped_help(), Not(HasSubstr("(default )")));
}

TEST(Help, SaysOfExactlyThoseOptionsThatAReloadCannotChangeThem) {
  for (const auto& option : options()) {
    const auto end = std::string(option.help) + " (a reload cannot change it) ";
    EXPECT_EQ(unwrapped_help().find(end) != std::string::npos, option.takes_effect == TakesEffect::kOnStart)
        << option.name;
  }
}

TEST(Help, MentionsEverySignalThatTheMasterActsUpon) {
  for (const auto* const signal : {"TERM", "QUIT", "INT", "HUP", "USR1", "USR2", "TTIN", "TTOU"}) {
    const auto is_it = [signal](const HelpEntry& entry) {
      const auto names = split(entry.name, ',');
      return std::find(names.begin(), names.end(), signal) != names.end();
    };
    EXPECT_EQ(std::count_if(signals().begin(), signals().end(), is_it), 1) << signal;
  }
  for (const auto& signal : signals()) EXPECT_THAT(unwrapped_help(), HasSubstr(std::string(signal.text)));
}

/// So that the compiler asks about a new one.
bool is_of_the_daemon(ExitCode code) {
  switch (code) {
    case ExitCode::kFailed: return false;
    case ExitCode::kOk:
    case ExitCode::kUsage:
    case ExitCode::kUnavailable:
    case ExitCode::kSoftware:
    case ExitCode::kOsError:
    case ExitCode::kCantCreate:
    case ExitCode::kTemporary:
    case ExitCode::kNoPermission:
    case ExitCode::kConfig: return true;
  }
  return false;
}

TEST(Help, MentionsEveryExitCodeOnce) {
  std::vector<std::string> wanted;
  for (int code = 0; code < 256; ++code) {
    if (is_of_the_daemon(static_cast<ExitCode>(code))) wanted.push_back(std::to_string(code));
  }
  std::vector<std::string> listed;
  for (const auto& entry : exit_codes()) listed.emplace_back(entry.name);
  EXPECT_EQ(listed, wanted);
  for (const auto& entry : exit_codes()) EXPECT_THAT(unwrapped_help(), HasSubstr(std::string(entry.text)));
}

TEST(Help, FitsTheTerminal) {
  for (const std::size_t columns : {60U, 80U, 132U}) {
    std::size_t longest = 0;
    for (const auto& line : lines_of(help_text(columns))) longest = std::max(longest, line.size());
    EXPECT_LE(longest, columns);
    EXPECT_GT(longest, columns * 9 / 10);
  }
}

TEST(Help, HasNoTrailingSpaceAndEndsItsLastLine) {
  for (const auto& line : lines_of(help_text(80))) EXPECT_FALSE(line.ends_with(' ')) << line;
  EXPECT_TRUE(help_text(80).ends_with('\n'));
}

}  // namespace
}  // namespace tcp_echo::test
