#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/support.hpp"

namespace tcp_echo::test {
namespace {

using testing::ElementsAre;

/// What the command line says of one option, each occurrence of a scalar by itself.
std::vector<std::string> given(std::string_view option, const std::vector<std::string>& arguments) {
  const auto line = value_or_throw(read_command_line(arguments));
  std::vector<std::string> texts;
  for (const auto& setting : line.settings) {
    if (setting.option->name == option) texts.insert(texts.end(), setting.texts.begin(), setting.texts.end());
  }
  return texts;
}

MasterAction action_of(const std::vector<std::string>& arguments) {
  return value_or_throw(read_command_line(arguments)).action;
}

TEST(CommandLine, MayBeEmpty) {
  const auto line = read_command_line({});
  ASSERT_TRUE(line);
  EXPECT_EQ(line->action, MasterAction::kRun);
  EXPECT_TRUE(line->settings.empty());
}

TEST(CommandLine, NamesTheFlagAsTheSource) {
  const auto line = read_command_line({"--workers=3"});
  ASSERT_TRUE(line);
  ASSERT_EQ(line->settings.size(), 1U);
  EXPECT_EQ(line->settings[0].option->name, "workers");
  EXPECT_EQ(line->settings[0].source, "--workers");
}

TEST(CommandLine, TakesAValueBehindASpaceOrAnEqualsSign) {
  EXPECT_THAT(given("port", {"--port", "7"}), ElementsAre("7"));
  EXPECT_THAT(given("port", {"--port=7"}), ElementsAre("7"));
}

TEST(CommandLine, TakesAnEmptyValueEitherWay) {
  EXPECT_THAT(given("idle-notice", {"--idle-notice", ""}), ElementsAre(""));
  EXPECT_THAT(given("idle-notice", {"--idle-notice="}), ElementsAre(""));
}

TEST(CommandLine, DoesNotTakeTheNextFlagForAnEmptyValue) {
  const auto config = configured({"--idle-notice=", "--workers=3", "--log-file", "", "--backlog", "5"});
  EXPECT_EQ(config.idle_notice, "");
  EXPECT_EQ(config.workers, 3U);
  EXPECT_EQ(config.log_file, "");
  EXPECT_EQ(config.backlog, 5U);
}

TEST(CommandLine, LeavesValuesAsTheyAre) {
  for (const auto* const text : {"[a,b]", "[]", "{}", "%%", "\"q\"", "'q'", "`q`", "a b", "-x", "--x", "--",
                                 "--port", "a=b", "=", "-", "#", "\\n"}) {
    EXPECT_THAT(given("idle-notice", {"--idle-notice", text}), ElementsAre(text));
    EXPECT_THAT(given("idle-notice", {std::string("--idle-notice=") + text}), ElementsAre(text));
  }
}

TEST(CommandLine, RefusesNegativeNumbersAsNumbersNotAsFlags) {
  EXPECT_THAT(refused({"--workers", "-5"}),
              Says(ExitCode::kUsage, "--workers: '-5' is out of range; allowed: 1 to 1024, or auto"));
  EXPECT_THAT(refused({"--workers=-5"}),
              Says(ExitCode::kUsage, "--workers: '-5' is out of range; allowed: 1 to 1024, or auto"));
}

TEST(CommandLine, TurnsASwitchOnAndOff) {
  EXPECT_TRUE(configured({"--send-reset"}).send_reset);
  EXPECT_FALSE(configured({"--no-send-reset"}).send_reset);
  EXPECT_FALSE(configured({"--no-nodelay"}).nodelay);
}

TEST(CommandLine, TakesASwitchsValueBehindAnEqualsSign) {
  for (const auto* const yes : {"on", "true", "yes", "1"})
    EXPECT_TRUE(configured({std::string("--send-reset=") + yes}).send_reset) << yes;
  for (const auto* const no : {"off", "false", "no", "0"})
    EXPECT_FALSE(configured({std::string("--nodelay=") + no}).nodelay) << no;
}

TEST(CommandLine, LetsTheLastOfASwitchsFlagsCountHoweverItIsSpelled) {
  EXPECT_TRUE(configured({"--no-nodelay", "--nodelay"}).nodelay);
  EXPECT_FALSE(configured({"--nodelay", "--no-nodelay"}).nodelay);
  EXPECT_FALSE(configured({"--no-nodelay", "--nodelay=on", "--nodelay=OFF"}).nodelay);
  EXPECT_THAT(refused({"--nodelay=maybe", "--no-nodelay"}),
              Says(ExitCode::kUsage, "--nodelay: 'maybe' is neither"))
      << "one that does not count is checked all the same";
}

TEST(CommandLine, RefusesASwitchsValueThatIsNeitherOnNorOff) {
  EXPECT_THAT(refused({"--send-reset=banana"}), Says(ExitCode::kUsage,
                                                     "--send-reset: 'banana' is neither on nor off; "
                                                     "allowed: on, true, yes, 1, or off, false, no, 0"));
  for (const auto* const text : {"", "2", "-1", "t", "enable"}) {
    EXPECT_THAT(refused({std::string("--send-reset=") + text}),
                Says(ExitCode::kUsage, "--send-reset: '" + std::string(text) + "' is "));
  }
}

TEST(CommandLine, RefusesAValueForASwitchInTheNextArgument) {
  EXPECT_THAT(refused({"--send-reset", "off"}), Says(ExitCode::kUsage, "'off' is not an option"));
}

TEST(CommandLine, RefusesAValueForAFlagThatTakesNone) {
  for (const auto* const flag : {"--no-nodelay", "--check", "--print-config", "--version", "--help"}) {
    for (const auto* const value : {"", "on", "off", "99999999999999999999", "a\nb"}) {
      EXPECT_THAT(refused({std::string(flag) + "=" + value}), Says(ExitCode::kUsage, flag)) << value;
    }
  }
  EXPECT_THAT(refused({"--check=off"}),
              Says(ExitCode::kUsage, "--check: 'off' is one value too many; allowed: none"));
}

TEST(CommandLine, LetsTheLastOfARepeatedOptionCount) {
  EXPECT_EQ(configured({"--workers", "1", "--workers=2"}).workers, 2U);
  EXPECT_TRUE(configured({"--no-nodelay", "--nodelay"}).nodelay);
  EXPECT_FALSE(configured({"--nodelay", "--no-nodelay"}).nodelay);
}

TEST(CommandLine, ChecksAlsoTheOnesThatDoNotCount) {
  EXPECT_THAT(refused({"--workers", "lots", "--workers=2"}), Says(ExitCode::kUsage, "--workers: 'lots'"));
}

TEST(CommandLine, CollectsRepeatedAndCommaSeparatedAddresses) {
  EXPECT_THAT(given("listen", {"--listen", "[::1]:1", "--workers=2", "--listen=127.0.0.1:2, 127.0.0.1:3"}),
              ElementsAre("[::1]:1", "127.0.0.1:2", "127.0.0.1:3"));
}

TEST(CommandLine, RefusesAnEmptyAddress) {
  for (const auto* const flag : {"--listen=", "--listen=,", "--listen=127.0.0.1:1,"}) {
    EXPECT_THAT(
        refused({flag}),
        Says(ExitCode::kUsage, "--listen: '' is not an address with a port; allowed: up to 64 of ADDR:PORT"))
        << flag;
  }
}

TEST(CommandLine, NamesTheOptionWhoseValueIsMissing) {
  EXPECT_THAT(refused({"--workers=2", "--port"}),
              Says(ExitCode::kUsage, "--port: the value is missing; allowed: 0 to 65535"));
}

TEST(CommandLine, NamesTheFirstWordThatIsNoOption) {
  for (const auto* const word : {"--colour", "--colour=red", "--por", "-p", "-port", "--PORT",
                                 "--idle_timeout", "-", "serve", "", "/port", "---port", "--=x"}) {
    EXPECT_THAT(refused({"--workers=2", word, "--other"}),
                Says(ExitCode::kUsage,
                     "command line: '" + std::string(word) + "' is not an option; allowed: those of --help"));
  }
}

TEST(CommandLine, RefusesPositionalArgumentsBehindTwoDashes) {
  EXPECT_THAT(refused({"--", "--port"}), Says(ExitCode::kUsage, "'--port' is not an option"));
  EXPECT_TRUE(read_config({"--"}, {}));
}

TEST(CommandLine, KeepsControlCharactersOutOfItsErrors) {
  EXPECT_THAT(refused({"--col\nour\x1b[0m"}), Says(ExitCode::kUsage, "'--col\\nour\\x1b[0m'"));
  EXPECT_THAT(refused({"two\nlines"}), Says(ExitCode::kUsage, "'two\\nlines'"));
  EXPECT_THAT(refused({"--workers", "two\nlines"}), Says(ExitCode::kUsage, "'two\\nlines'"));
  EXPECT_THAT(refused({"--listen", "two\nlines\x7f"}), Says(ExitCode::kUsage, "'two\\nlines\\x7f'"));
}

TEST(CommandLine, AsksForOneAction) {
  EXPECT_EQ(action_of({"--check"}), MasterAction::kCheck);
  EXPECT_EQ(action_of({"--print-config"}), MasterAction::kPrintConfig);
  EXPECT_EQ(action_of({"--probe"}), MasterAction::kProbe);
  EXPECT_EQ(action_of({"--version"}), MasterAction::kVersion);
  EXPECT_EQ(action_of({"--help"}), MasterAction::kHelp);
}

TEST(CommandLine, PrefersHelpToEveryOtherAction) {
  EXPECT_EQ(action_of({"--help", "--check", "--version", "--print-config", "--probe"}), MasterAction::kHelp);
}

TEST(CommandLine, KnowsTheUsualLetters) {
  EXPECT_EQ(action_of({"-t"}), MasterAction::kCheck);
  EXPECT_EQ(action_of({"-V"}), MasterAction::kVersion);
  EXPECT_EQ(action_of({"--workers", "2", "-h"}), MasterAction::kHelp);
}

TEST(CommandLine, TakesALetterByItselfOnly) {
  for (const auto* const word : {"-tV", "-help", "-t=yes", "-h=", "-H", "-v", "-"})
    EXPECT_THAT(refused({word}), Says(ExitCode::kUsage, "'" + std::string(word) + "' is not an option"));
}

TEST(CommandLine, LeavesALetterThatIsAValueAlone) {
  EXPECT_EQ(read_command_line({"--idle-notice", "-h"})->action, MasterAction::kRun);
}

}  // namespace
}  // namespace tcp_echo::test
