#include "tcp_echo/load/pattern.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "support/dice.hpp"

namespace tcp_echo::test {
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
    for (const std::size_t size : {6U, 15U, 16U}) {
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

/// What find() is to give: a look at every position there is.
std::optional<std::uint64_t> plainly_found(const Pattern& pattern, std::string_view bytes,
                                           std::uint64_t around, std::uint64_t first, std::uint64_t end) {
  std::optional<std::uint64_t> best;
  const auto rank = [&](std::uint64_t position) {
    const auto distance = position > around ? position - around : around - position;
    return std::tuple(distance, position % pattern.period(), position);
  };
  for (auto position = first; position + bytes.size() <= end; ++position) {
    if (text_at(pattern, position, bytes.size()) == bytes && (!best || rank(position) < rank(*best)))
      best = position;
  }
  return best;
}

/// Of few letters, so that much of it is there several times, also as a whole.
std::string text_of(Dice& dice) {
  std::string text(dice.between(1, 40), 'a');
  const auto letters = dice.between(1, 3);
  for (char& letter : text) letter = static_cast<char>('a' + dice.below(letters));
  const auto once = text;
  for (auto more = dice.below(3); more > 0; --more) text += once;
  return text;
}

TEST(Pattern, FindsWhatAPlainSearchFinds) {
  take_walks(100, [](Dice dice) {
    const Pattern pattern(text_of(dice));
    for (int i = 0; i < 50; ++i) {
      auto bytes = text_at(pattern, dice.below(200), dice.between(1, Pattern::kLongestSought));
      if (dice.once_in(8)) bytes[dice.below(bytes.size())] = 'b';
      const auto first = dice.below(150);
      const auto end = first + dice.below(150);
      const auto around = dice.below(350);
      EXPECT_EQ(pattern.find(std::as_bytes(std::span(bytes)), around, first, end),
                plainly_found(pattern, bytes, around, first, end))
          << text_at(pattern, 0, pattern.period()) << ": " << bytes << " around " << around << " from "
          << first << " to " << end;
    }
  });
}

TEST(Pattern, FindsShortPiecesOfWhatLooksRandomAsWell) {
  const Pattern pattern;
  const auto begin = pattern.period() - 1000;
  for (std::uint64_t around = begin; around < begin + 2000; around += 37) {
    const auto bytes = text_at(pattern, around + around % 100, 1 + around % Pattern::kLongestSought);
    EXPECT_EQ(pattern.find(std::as_bytes(std::span(bytes)), around, begin, begin + 2000),
              plainly_found(pattern, bytes, around, begin, begin + 2000))
        << around;
  }
}

TEST(Pattern, IsSearchedByManyThreadsFromTheFirstTimeOn) {
  const Pattern pattern("the quick brown fox ");
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (std::uint64_t i = 0; i < 4; ++i) {
    threads.emplace_back([&pattern, i] { EXPECT_EQ(pattern.find(pattern.at(i, 16), i + 3, 0, kNoEnd), i); });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace tcp_echo::test
