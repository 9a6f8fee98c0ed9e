#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/support.hpp"

namespace tcp_echo::test {
namespace {

using testing::ElementsAre;

/// The one setting of a file with one line.
Setting only_setting(std::string_view text) {
  const auto settings = value_or_throw(read_toml(text, "x.toml"));
  EXPECT_EQ(settings.size(), 1U);
  return settings.at(0);
}

Error refused_file(std::string_view text) {
  const auto settings = read_toml(text, "x.toml");
  if (settings) {
    ADD_FAILURE() << "was not refused: " << text;
    return {ExitCode::kOk, ""};
  }
  return settings.error();
}

TEST(TomlFile, MayBeEmpty) {
  EXPECT_TRUE(value_or_throw(read_toml("", "x.toml")).empty());
  EXPECT_TRUE(value_or_throw(read_toml("# nothing\n\n", "x.toml")).empty());
}

TEST(TomlFile, NamesFileLineAndKeyAsTheSource) {
  const auto setting = only_setting("\n# comment\nidle_timeout = \"10s\"\n");
  EXPECT_EQ(setting.option->name, "idle-timeout");
  EXPECT_THAT(setting.texts, ElementsAre("10s"));
  EXPECT_EQ(setting.source, "x.toml:3: idle_timeout");
}

TEST(TomlFile, UnderstandsByteOrderMarkAndLineEndsOfWindows) {
  const auto settings = value_or_throw(read_toml("\xef\xbb\xbfport = 5\r\nworkers = 3\r\n", "x.toml"));
  ASSERT_EQ(settings.size(), 2U);
  EXPECT_EQ(settings[1].source, "x.toml:2: workers");
}

TEST(TomlFile, TakesIntegersInEveryBase) {
  EXPECT_THAT(only_setting("workers = 0x10").texts, ElementsAre("16"));
  EXPECT_THAT(only_setting("backlog = 4_096").texts, ElementsAre("4096"));
}

TEST(TomlFile, TakesANumbersWordAsAString) {
  EXPECT_THAT(only_setting("workers = \"auto\"").texts, ElementsAre("auto"));
}

TEST(TomlFile, TakesAZeroDurationAsAnInteger) {
  EXPECT_THAT(only_setting("idle_timeout = 0").texts, ElementsAre("0"));
}

TEST(TomlFile, TakesOneAddressOrAnArray) {
  EXPECT_THAT(only_setting("listen = \"[::]:1\"").texts, ElementsAre("[::]:1"));
  EXPECT_THAT(only_setting("listen = [\"[::]:1\",\n \"0.0.0.0:2\"]").texts,
              ElementsAre("[::]:1", "0.0.0.0:2"));
}

TEST(TomlFile, LeavesEscapesToToml) {
  EXPECT_THAT(only_setting(R"(idle_notice = "a\nb\\n")").texts, ElementsAre("a\nb\\n"));
  EXPECT_THAT(only_setting(R"(idle_notice = 'a\nb')").texts, ElementsAre("a\\nb"));
}

TEST(TomlFile, RefusesASyntaxErrorWithItsLine) {
  EXPECT_THAT(refused_file("workers = 2\n\nport = \n"), Says(ExitCode::kConfig, "x.toml:3: "));
  EXPECT_THAT(refused_file("port"), Says(ExitCode::kConfig, "x.toml:1: "));
  EXPECT_THAT(refused_file("idle_notice = \"abc\n"), Says(ExitCode::kConfig, "x.toml:1: "));
  EXPECT_THAT(refused_file("\xff\xfe"), Says(ExitCode::kConfig, "x.toml:1: "));
  EXPECT_THAT(refused_file("workers = 99999999999999999999"), Says(ExitCode::kConfig, "x.toml:1: "));
}

TEST(TomlFile, RefusesAKeyThatIsThereTwice) {
  EXPECT_THAT(refused_file("port = 1\nport = 2\n"), Says(ExitCode::kConfig, "x.toml:2: "));
}

TEST(TomlFile, RefusesUnknownKeys) {
  EXPECT_THAT(refused_file("workers = 2\ncolour = 1\n"),
              Says(ExitCode::kConfig, "x.toml:2: colour: unknown key; allowed: "));
  EXPECT_THAT(refused_file("idle-timeout = \"1s\""),
              Says(ExitCode::kConfig, "x.toml:1: idle-timeout: unknown key"));
  EXPECT_THAT(refused_file("check = true"), Says(ExitCode::kConfig, "x.toml:1: check: unknown key"));
  EXPECT_THAT(refused_file("[tcp_echo]\nport = 1"),
              Says(ExitCode::kConfig, "x.toml:1: tcp_echo: unknown key"));
}

TEST(TomlFile, RefusesAnotherFile) {
  EXPECT_THAT(refused_file("config = \"y.toml\""),
              Says(ExitCode::kConfig, "x.toml:1: config: a file cannot name another one"));
}

TEST(TomlFile, RefusesAWrongTypeAndShowsTheValue) {
  EXPECT_EQ(refused_file("port = \"5\"").text,
            "x.toml:1: port: '5' has the wrong type, string; allowed: an integer, 0 to 65535");
  EXPECT_THAT(refused_file("port = 1.5"),
              Says(ExitCode::kConfig, "x.toml:1: port: '1.5' has the wrong type, floating-point"));
  EXPECT_THAT(refused_file("port = true"),
              Says(ExitCode::kConfig, "x.toml:1: port: 'true' has the wrong type, boolean"));
  EXPECT_THAT(refused_file("port = 1979-05-27"),
              Says(ExitCode::kConfig, "x.toml:1: port: '1979-05-27' has the wrong type, date"));
  EXPECT_THAT(refused_file("idle_timeout = 60"),
              Says(ExitCode::kConfig,
                   "'60' has the wrong type, integer; allowed: a string, 1ms to 8760h, or 0 (never)"));
  EXPECT_THAT(refused_file("idle_timeout = 0.0"),
              Says(ExitCode::kConfig, "has the wrong type, floating-point"));
  EXPECT_THAT(refused_file("send_reset = \"on\""), Says(ExitCode::kConfig, "allowed: true or false"));
  EXPECT_THAT(refused_file("log_level = 3"),
              Says(ExitCode::kConfig, "allowed: a string, trace, debug, info, warn, error"));
  EXPECT_THAT(refused_file("log_file = 3"), Says(ExitCode::kConfig, "allowed: a string, a path"));
}

TEST(TomlFile, SaysOfAStringForANumberWhichOneItMightBe) {
  for (const auto* const text : {"lots", "3", ""}) {
    EXPECT_EQ(refused_file("workers = \"" + std::string(text) + "\"").text,
              "x.toml:1: workers: '" + std::string(text) +
                  "' is a string, but not \"auto\"; allowed: an integer, 1 to 1024, or auto");
  }
}

TEST(TomlFile, RefusesATableInsteadOfAValue) {
  EXPECT_THAT(refused_file("workers = 2\n[port]\na = 1\n"), Says(ExitCode::kConfig, "x.toml:2: port: "));
  EXPECT_THAT(refused_file("port = {}"), Says(ExitCode::kConfig, "has the wrong type, table"));
  EXPECT_THAT(refused_file("port.a = 1"), Says(ExitCode::kConfig, "x.toml:1: port: "));
  EXPECT_THAT(refused_file("[[listen]]\na = 1\n"), Says(ExitCode::kConfig, "x.toml:1: listen: "));
}

TEST(TomlFile, RefusesAnArrayInsteadOfOneValue) {
  EXPECT_THAT(refused_file("idle_notice = [\"a\"]"), Says(ExitCode::kConfig, "has the wrong type, array"));
}

TEST(TomlFile, RefusesAddressesThatAreNotAllStrings) {
  for (const auto* const text : {"listen = [\"[::]:1\", 2]", "listen = [[\"[::]:1\"]]", "listen = 1"}) {
    EXPECT_THAT(refused_file(text),
                Says(ExitCode::kConfig, "allowed: a string or an array of strings, up to 64"))
        << text;
  }
}

TEST(TomlFile, KeepsControlCharactersOutOfItsErrors) {
  EXPECT_THAT(refused_file("\"a\\nb\\u001b\" = 1"),
              Says(ExitCode::kConfig, "x.toml:1: a\\nb\\x1b: unknown key"));
  EXPECT_THAT(refused_file("\"a\\nb\" = 1\n\"a\\nb\" = 2"), Says(ExitCode::kConfig, "x.toml:2: "));
  EXPECT_THAT(refused_file("a\x01 = 1"), Says(ExitCode::kConfig, "x.toml:1: "));
  EXPECT_THAT(refused_file("port = \"a\\nb\\u001b\""), Says(ExitCode::kConfig, "x.toml:1: port: "));
}

TEST(TomlFile, RefusesAnEmptyListOfAddresses) {
  const FileFolder folder;
  const auto path = folder.file("x.toml", "listen = []\n");
  EXPECT_THAT(refused({"--config", path}),
              Says(ExitCode::kConfig, path + ":1: listen: an empty list; allowed: "));
}

TEST(TomlFile, SaysWhereABadValueStands) {
  const FileFolder folder;
  const auto path = folder.file("x.toml", "port = 7\n\nworkers = 0\n");
  EXPECT_THAT(
      refused({"--config", path}),
      Says(ExitCode::kConfig, path + ":3: workers: '0' is out of range; allowed: 1 to 1024, or auto"));
}

TEST(TomlFile, IsNamedInOneLineWhateverItIsCalled) {
  const FileFolder folder;
  const auto path = folder.file("two\nlines.toml", "port = -1\n");
  EXPECT_THAT(refused({"--config", path}),
              Says(ExitCode::kConfig, "/two\\nlines.toml:1: port: '-1' is out of range"));
}

}  // namespace
}  // namespace tcp_echo::test
