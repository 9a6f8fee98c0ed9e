#include "tcp_echo/base/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using testing::ElementsAre;

TEST(ParseSize, ReadsBytesAndBinaryUnits) {
  EXPECT_EQ(parse_size("0"), 0U);
  EXPECT_EQ(parse_size("64"), 64U);
  EXPECT_EQ(parse_size("16KiB"), 16U * 1024);
  EXPECT_EQ(parse_size("3MiB"), 3U * 1024 * 1024);
  EXPECT_EQ(parse_size("17179869183GiB"), 17'179'869'183ULL << 30U);
}

TEST(ParseSize, RefusesAnythingElse) {
  for (const auto* text : {"", "KiB", "1.5KiB", "-1", "1 KiB", "1KB", "1kib", "64B", "17179869184GiB"})
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
}

TEST(Duration, TakesEachUnit) {
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("10s"), 10s);
  EXPECT_EQ(parse_duration("5m"), 5min);
  EXPECT_EQ(parse_duration("2h"), 2h);
}

TEST(Duration, TakesZeroWithAndWithoutUnit) {
  for (const auto* const text : {"0", "0ms", "0s", "0m", "0h"}) EXPECT_EQ(parse_duration(text), 0ms) << text;
}

TEST(Duration, RefusesWhatIsNotANumberWithAUnit) {
  for (const auto* const text : {"", "s", "ms", "10", "00", "-1s", "+1s", "1.5s", "10 s", " 10s", "10s ",
                                 "10S", "10sec", "1h30m", "0x1s", "5d", "1e3s"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(Duration, RefusesWhatDoesNotFit) {
  EXPECT_EQ(parse_duration("9223372036854775807ms"), milliseconds::max());
  EXPECT_EQ(parse_duration("9223372036854775808ms"), std::nullopt);
  EXPECT_EQ(parse_duration("9223372036854775s"), 9223372036854775s);
  EXPECT_EQ(parse_duration("9223372036854776s"), std::nullopt);
  EXPECT_EQ(parse_duration("99999999999999999999h"), std::nullopt);
}

TEST(Duration, IsWrittenInTheLargestUnitThatIsExact) {
  EXPECT_EQ(format_duration(0ms), "0");
  EXPECT_EQ(format_duration(250ms), "250ms");
  EXPECT_EQ(format_duration(1500ms), "1500ms");
  EXPECT_EQ(format_duration(90s), "90s");
  EXPECT_EQ(format_duration(120s), "2m");
  EXPECT_EQ(format_duration(1h), "1h");
}

TEST(Duration, SurvivesWritingAndReading) {
  for (const auto duration :
       {0ms, 1ms, 999ms, 1000ms, 60'000ms, 61'000ms, 3'600'000ms, 3'600'001ms, milliseconds::max()}) {
    EXPECT_EQ(parse_duration(format_duration(duration)), duration);
  }
}

TEST(Number, IsPlainDecimal) {
  EXPECT_EQ(parse_number("0"), 0U);
  EXPECT_EQ(parse_number("007"), 7U);
  EXPECT_EQ(parse_number("18446744073709551615"), 18446744073709551615U);
}

TEST(Number, RefusesSignsSpacesAndOverflow) {
  for (const auto* const text :
       {"", "-1", "+1", " 1", "1 ", "1.0", "0x10", "1e3", "1k", "18446744073709551616"}) {
    EXPECT_EQ(parse_number(text), std::nullopt) << text;
  }
}

TEST(Switch, KnowsFourSpellingsOfEach) {
  for (const auto* const yes : {"on", "true", "yes", "1"}) EXPECT_EQ(parse_switch(yes), true) << yes;
  for (const auto* const no : {"off", "false", "no", "0"}) EXPECT_EQ(parse_switch(no), false) << no;
}

TEST(Switch, TakesAnyCase) {
  for (const auto* const yes : {"On", "ON", "True", "yEs"}) EXPECT_EQ(parse_switch(yes), true) << yes;
  for (const auto* const no : {"Off", "oFF", "FALSE", "No"}) EXPECT_EQ(parse_switch(no), false) << no;
}

TEST(Switch, RefusesEverythingElse) {
  for (const auto* const text : {"", "o", "onn", "2", "-1", "enable", "t", " on"})
    EXPECT_EQ(parse_switch(text), std::nullopt) << text;
}

TEST(Printable, EscapesControlCharacters) {
  EXPECT_EQ(printable("a\nb\rc\td\x1b[0m\x7f"), "a\\nb\\x0dc\\x09d\\x1b[0m\\x7f");
  EXPECT_EQ(printable(std::string_view("\0", 1)), "\\x00");
}

TEST(Printable, KeepsUtf8AndEscapesOtherBytes) {
  EXPECT_EQ(printable("zażółć €"), "zażółć €");
  EXPECT_EQ(printable("caf\xe9"), "caf\\xe9");
}

TEST(Quotes, StandAroundTheValue) {
  EXPECT_EQ(in_quotes("lots"), "'lots'");
  EXPECT_EQ(in_quotes(""), "''");
  EXPECT_EQ(in_quotes("a\nb"), "'a\\nb'");
}

TEST(Quotes, CutALongValue) {
  EXPECT_EQ(in_quotes(std::string(80, 'x')), "'" + std::string(80, 'x') + "'");
  EXPECT_EQ(in_quotes(std::string(81, 'x')), "'" + std::string(80, 'x') + "...'");
}

TEST(Quotes, NeverCutACharacterInTwo) {
  EXPECT_EQ(in_quotes(std::string(79, 'x') + "€ and more"), "'" + std::string(79, 'x') + "...'");
}

TEST(Utf8, TakesTheFirstAndLastOfEachLength) {
  for (const auto* const text : {"", "\x01", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xef\xbf\xbf",
                                 "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80"}) {
    EXPECT_TRUE(is_utf8(text)) << printable(text);
  }
  EXPECT_TRUE(is_utf8(std::string_view("\0", 1)));
}

TEST(Utf8, RefusesOverlongForms) {
  for (const auto* const text : {"\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf"})
    EXPECT_FALSE(is_utf8(text)) << printable(text);
}

TEST(Utf8, RefusesSurrogatesAndWhatLiesBehindUnicode) {
  for (const auto* const text : {"\xed\xa0\x80", "\xed\xbf\xbf", "\xf4\x90\x80\x80", "\xf7\xbf\xbf\xbf",
                                 "\xf8\x88\x80\x80\x80", "\xff"}) {
    EXPECT_FALSE(is_utf8(text)) << printable(text);
  }
}

TEST(Utf8, RefusesBrokenSequences) {
  for (const auto* const text : {"\x80", "\xbf", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc3(", "\xe2(\xa1",
                                 "ab\xe2\x82", "\xe2\x82\x61"}) {
    EXPECT_FALSE(is_utf8(text)) << printable(text);
  }
}

TEST(Unescaped, KnowsFourEscapes) {
  EXPECT_EQ(unescaped(R"(a\nb\rc\td\\e)"), "a\nb\rc\td\\e");
  EXPECT_EQ(unescaped(R"(\\n)"), "\\n");
  EXPECT_EQ(unescaped(""), "");
}

TEST(Unescaped, RefusesOthersAndALoneBackslash) {
  for (const auto* const text : {R"(\x)", R"(\0)", R"(\")", R"(\N)", R"(\)", R"(text\)", R"(\\\)"})
    EXPECT_EQ(unescaped(text), std::nullopt) << text;
}

TEST(Bytes, AreCountedInBinaryUnits) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1024), "1.0 KiB");
  EXPECT_EQ(format_bytes(1'572'864), "1.5 MiB");
  EXPECT_EQ(format_bytes(std::uint64_t{1} << 40U), "1.0 TiB");
  EXPECT_EQ(format_bytes(std::uint64_t{1} << 50U), "1024.0 TiB");
}

TEST(Counted, TakesThePluralExceptForOne) {
  EXPECT_EQ(counted(0, "worker"), "0 workers");
  EXPECT_EQ(counted(1, "worker"), "1 worker");
  EXPECT_EQ(counted(2, "worker"), "2 workers");
}

TEST(Ordinal, KnowsTheTeens) {
  EXPECT_EQ(ordinal(1), "1st");
  EXPECT_EQ(ordinal(2), "2nd");
  EXPECT_EQ(ordinal(3), "3rd");
  EXPECT_EQ(ordinal(4), "4th");
  EXPECT_EQ(ordinal(11), "11th");
  EXPECT_EQ(ordinal(12), "12th");
  EXPECT_EQ(ordinal(113), "113th");
  EXPECT_EQ(ordinal(121), "121st");
}

TEST(Split, TrimsEachPart) { EXPECT_THAT(split(" a ,\tb c, d", ','), ElementsAre("a", "b c", "d")); }

TEST(Split, KeepsEmptyParts) {
  EXPECT_THAT(split("", ','), ElementsAre(""));
  EXPECT_THAT(split("a,,b,", ','), ElementsAre("a", "", "b", ""));
}

}  // namespace
}  // namespace tcp_echo
