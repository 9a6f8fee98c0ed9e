#include "tcp_echo/base/arguments.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <ostream>

namespace tcp_echo::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Kind = ArgumentMistake::Kind;

const std::array kShapes = {
    FlagShape{"--port", FlagValue::kNeeded},        FlagShape{"--log-format", FlagValue::kNeeded},
    FlagShape{"--log", FlagValue::kNeeded},         FlagShape{"--send-reset", FlagValue::kOptional},
    FlagShape{"--version", FlagValue::kNone, "-V"}, FlagShape{"--help", FlagValue::kNone, "-h"},
    FlagShape{"--no-send-reset", FlagValue::kNone},
};

Arguments apart(const std::vector<std::string>& words, FlagNames names = FlagNames::kWhole) {
  return value_or_throw(take_apart(words, kShapes, names));
}

/// "--port 7".
std::vector<std::string> flags_of(const Arguments& arguments) {
  std::vector<std::string> texts;
  for (const auto& [shape, value] : arguments.flags) texts.push_back(kShapes.at(shape).name + ' ' + value);
  return texts;
}

std::vector<std::string> flags_of(const std::vector<std::string>& words,
                                  FlagNames names = FlagNames::kWhole) {
  const auto arguments = apart(words, names);
  EXPECT_FALSE(arguments.mistake) << arguments.mistake->word;
  return flags_of(arguments);
}

TEST(Arguments, MayBeNone) {
  const auto none = apart({});
  EXPECT_TRUE(none.flags.empty() && none.others.empty() && !none.mistake);
}

TEST(Arguments, KeepTheirOrder) {
  EXPECT_THAT(
      flags_of({"--port", "7", "--send-reset", "--log=x", "--port=8", "-h", "--send-reset=off"}),
      ElementsAre("--port 7", "--send-reset true", "--log x", "--port 8", "--help true", "--send-reset off"));
}

TEST(Arguments, LeaveOtherWordsAside) {
  const auto found = apart({"one", "--port", "7", "-", "", "-h", "two"});
  EXPECT_THAT(flags_of(found), ElementsAre("--port 7", "--help true"));
  EXPECT_THAT(found.others, ElementsAre("one", "-", "", "two"));
}

TEST(Arguments, AreNoFlagsBehindTwoDashes) {
  const auto found = apart({"-h", "--", "--port", "--", "-x"});
  EXPECT_THAT(flags_of(found), ElementsAre("--help true"));
  EXPECT_THAT(found.others, ElementsAre("--port", "--", "-x"));
  EXPECT_FALSE(found.mistake);
}

// What one version of CLI11 or another has its own idea of.
TEST(Arguments, LeaveValuesAsTheyAre) {
  for (const std::string value :
       {"",    "-5",     "--", "-",  "-h",    "--port",     "--port=7", "[a,b]",
        "[]",  "[[aa]]", "{}", "%%", "\"q\"", "'q'",        "`q`",      "a b",
        "a,b", "=",      "++", "#",  "\\n",   "two\nlines", "\xff",     "99999999999999999999"}) {
    EXPECT_THAT(flags_of({"--log", value, "--port", "7"}), ElementsAre("--log " + value, "--port 7"));
    EXPECT_THAT(flags_of({"--log=" + value, "--port=7"}), ElementsAre("--log " + value, "--port 7"));
    if (value.empty()) continue;
    EXPECT_THAT(flags_of({"--send-reset=" + value}), ElementsAre("--send-reset " + value));
  }
}

struct Mistaken {
  std::string word;
  Kind kind;

  friend std::ostream& operator<<(std::ostream& stream, const Mistaken& mistaken) {
    return stream << mistaken.word;
  }
};

class Mistake : public testing::TestWithParam<Mistaken> {};

TEST_P(Mistake, EndsTheReading) {
  const auto& [word, kind] = GetParam();
  const auto found = apart({"one", "--port=7", word});
  ASSERT_TRUE(found.mistake);
  EXPECT_EQ(found.mistake->kind, kind);
  EXPECT_EQ(found.mistake->word, word);
  if (kind != Kind::kUnknown) {
    EXPECT_EQ(kShapes.at(found.mistake->shape).name, word.substr(0, word.find('=')));
  }
  EXPECT_THAT(flags_of(found), ElementsAre("--port 7"));
  EXPECT_THAT(found.others, ElementsAre("one"));
}

INSTANTIATE_TEST_SUITE_P(
    Each, Mistake,
    testing::Values(Mistaken{"--colour", Kind::kUnknown}, Mistaken{"--colour=red", Kind::kUnknown},
                    Mistaken{"--PORT", Kind::kUnknown}, Mistaken{"--por", Kind::kUnknown},
                    Mistaken{"---port", Kind::kUnknown}, Mistaken{"--=x", Kind::kUnknown},
                    Mistaken{"-port", Kind::kUnknown}, Mistaken{"-p", Kind::kUnknown},
                    Mistaken{"-hV", Kind::kUnknown}, Mistaken{"-h=", Kind::kUnknown},
                    Mistaken{"-1", Kind::kUnknown}, Mistaken{"--port", Kind::kMissingValue},
                    Mistaken{"--send-reset=", Kind::kMissingValue}, Mistaken{"--help=", Kind::kUnwantedValue},
                    Mistaken{"--no-send-reset=on", Kind::kUnwantedValue}));

TEST(Arguments, AreNotReadBehindAMistake) {
  const auto found = apart({"--por", "--help", "one", "--port"});
  EXPECT_EQ(found.mistake->word, "--por");
  EXPECT_THAT(found.flags, IsEmpty());
  EXPECT_THAT(found.others, IsEmpty());
}

TEST(Arguments, MayHaveNamesThatAreCutWhereTheProgramSaysSo) {
  EXPECT_THAT(flags_of({"--po", "7", "--send=off", "--v", "--log-", "x"}, FlagNames::kMayBeCut),
              ElementsAre("--port 7", "--send-reset off", "--version true", "--log-format x"));
}

TEST(Arguments, DoNotTakeAWholeNameForOneThatIsCut) {
  EXPECT_THAT(flags_of({"--log", "x"}, FlagNames::kMayBeCut), ElementsAre("--log x"));
}

TEST(Arguments, DoNotGuessWhichOfSeveralNamesIsMeant) {
  for (const std::string word : {"--lo", "--lo=x", "--=x"}) {
    const auto found = apart({word, "x"}, FlagNames::kMayBeCut);
    ASSERT_TRUE(found.mistake) << word;
    EXPECT_EQ(found.mistake->kind, Kind::kUnknown);
    EXPECT_EQ(found.mistake->word, word);
  }
}

}  // namespace
}  // namespace tcp_echo::test
