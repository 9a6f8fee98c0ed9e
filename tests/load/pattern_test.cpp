#include "tcp_echo/load/pattern.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <string>

namespace tcp_echo {
namespace {

constexpr auto kNoEnd = std::numeric_limits<std::uint64_t>::max() / 2;

std::string text_at(const Pattern& pattern, std::uint64_t position, std::size_t size) {
  const auto piece = pattern.at(position, size);
  std::string text;
  text.reserve(piece.size());
  for (const auto byte : piece) text += static_cast<char>(byte);
  return text;
}

TEST(Pattern, RepeatsAText) {
  const Pattern pattern("abc");
  EXPECT_EQ(text_at(pattern, 0, 7), "abcabca");
  EXPECT_EQ(text_at(pattern, 3'000'000'000'002, 4), "cabc");
}

TEST(Pattern, GivesPiecesAcrossItsPeriod) {
  const Pattern pattern;
  const auto end = pattern.period();
  EXPECT_EQ(text_at(pattern, end - 5, 10), text_at(pattern, end - 5, 5) + text_at(pattern, 0, 5));
  EXPECT_EQ(pattern.at(end - 1, Pattern::kLongestPiece).size(), Pattern::kLongestPiece);
  EXPECT_EQ(pattern.at(0, Pattern::kLongestPiece + 1).size(), Pattern::kLongestPiece);
}

TEST(Pattern, BeginsElsewhereForEachNumber) {
  const Pattern pattern;
  std::set<std::uint64_t> starts;
  for (std::uint64_t number = 0; number < Pattern::kWords; ++number) starts.insert(pattern.start_of(number));
  EXPECT_EQ(starts.size(), Pattern::kWords);
  EXPECT_LT(*starts.rbegin(), pattern.period());
  EXPECT_EQ(Pattern("abc").start_of(17), 0U);
}

TEST(Pattern, LooksRandom) {
  const Pattern pattern;
  std::array<std::size_t, 256> seen{};
  for (std::size_t i = 0; i < pattern.period(); ++i)
    ++seen[std::to_integer<std::size_t>(pattern.at(i, 1)[0])];
  const auto mean = pattern.period() / seen.size();
  EXPECT_GT(*std::min_element(seen.begin(), seen.end()), mean * 8 / 10);
  EXPECT_LT(*std::max_element(seen.begin(), seen.end()), mean * 12 / 10);
}

TEST(Pattern, TellsThePlaceOfItsBytesWhereverTheyBegin) {
  const Pattern pattern;
  for (std::uint64_t position = pattern.period() - 40; position < pattern.period() + 40; ++position) {
    for (const std::size_t size : {6U, 15U, 16U, 100U}) {
      EXPECT_EQ(pattern.find(pattern.at(position, size), position + 3, 0, kNoEnd), position) << size;
    }
  }
}

TEST(Pattern, FindsTheNearestOfManyPlaces) {
  const Pattern pattern("abc");
  const auto bc = pattern.at(1, 2);
  EXPECT_EQ(pattern.find(bc, 301, 0, kNoEnd), 301U);
  EXPECT_EQ(pattern.find(bc, 302, 0, kNoEnd), 301U);
  EXPECT_EQ(pattern.find(bc, 303, 0, kNoEnd), 304U);
}

TEST(Pattern, FindsNothingOutsideTheBounds) {
  const Pattern pattern("abcdef");
  const auto cd = pattern.at(2, 2);
  EXPECT_EQ(pattern.find(cd, 62, 63, kNoEnd), 68U) << "62 is before the first";
  EXPECT_EQ(pattern.find(cd, 62, 0, 63), 56U) << "62 ends behind the end";
  EXPECT_EQ(pattern.find(cd, 62, 63, 69), std::nullopt);
  EXPECT_EQ(pattern.find(cd, 0, 0, 1), std::nullopt);
}

TEST(Pattern, DoesNotFindWhatItNeverSays) {
  const Pattern pattern;
  const std::string zeros(16, '\0');
  EXPECT_EQ(pattern.find(std::as_bytes(std::span(zeros)), 0, 0, kNoEnd), std::nullopt);
  const Pattern text("abc");
  EXPECT_EQ(text.find(std::as_bytes(std::span(zeros)), 0, 0, kNoEnd), std::nullopt);
}

}  // namespace
}  // namespace tcp_echo
