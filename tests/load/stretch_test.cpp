#include "tcp_echo/load/stretch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tcp_echo::test {
namespace {

using testing::ElementsAre;

Stretch stretch(std::uint64_t first, std::uint64_t last, LoadStage stage = LoadStage::kMeasuring) {
  Stretch stretch;
  stretch.first = first;
  stretch.last = last;
  stretch.whole.stage = stage;
  return stretch;
}

std::vector<std::string> ranges(const std::deque<Stretch>& stretches) {
  std::vector<std::string> texts;
  texts.reserve(stretches.size());
  for (const auto& each : stretches)
    texts.push_back(std::to_string(each.first) + "-" + std::to_string(each.last));
  return texts;
}

std::deque<Stretch> single(std::uint64_t first, std::uint64_t last) {
  std::deque<Stretch> stretches;
  for (; first <= last; ++first) stretches.push_back(stretch(first, first));
  return stretches;
}

TEST(Stretch, AddsUpWhatIsInBoth) {
  auto one = stretch(4, 5);
  one.whole.begin = 4;
  one.whole.end = 6;
  one.whole.counts.echoes = 10;
  one.whole.latency.record(std::chrono::nanoseconds(7));
  one.opened = 3;
  auto other = stretch(5, 6);
  other.whole.begin = 5;
  other.whole.end = 7;
  other.whole.counts.echoes = 1;
  other.whole.latency.record(std::chrono::nanoseconds(9));
  other.opened = -1;
  one.add(other);
  EXPECT_EQ(ranges({one}), ranges({stretch(4, 6)}));
  EXPECT_EQ(one.whole.begin, 4);
  EXPECT_EQ(one.whole.end, 7);
  EXPECT_EQ(one.whole.counts.echoes, 11U);
  EXPECT_EQ(one.whole.latency.count(), 2U);
  EXPECT_EQ(one.opened, 2);
}

TEST(Stretch, OverlapsWhatSharesAnIntervalOfItsStage) {
  EXPECT_TRUE(stretch(4, 5).overlaps(stretch(5, 9)));
  EXPECT_TRUE(stretch(4, 9).overlaps(stretch(5, 5)));
  EXPECT_FALSE(stretch(4, 5).overlaps(stretch(6, 9)));
  EXPECT_FALSE(stretch(4, 5).overlaps(stretch(5, 9, LoadStage::kWaiting)));
}

TEST(Stretch, IsLeftAloneAsLongAsThereAreFew) {
  auto few = single(0, 3);
  shorten(few, 4);
  EXPECT_THAT(ranges(few), ElementsAre("0-0", "1-1", "2-2", "3-3"));
}

TEST(Stretch, GrowsWithinABlockOfAPowerOfTwo) {
  auto many = single(5, 12);
  shorten(many, 7);
  EXPECT_THAT(ranges(many), ElementsAre("5-5", "6-7", "8-9", "10-11", "12-12")) << "all pairs at once";
  shorten(many, 4);
  EXPECT_THAT(ranges(many), ElementsAre("5-7", "8-11", "12-12"));
  shorten(many, 2);
  EXPECT_THAT(ranges(many), ElementsAre("5-7", "8-12"));
  shorten(many, 1);
  EXPECT_THAT(ranges(many), ElementsAre("5-12"));
}

TEST(Stretch, KeepsStagesApartHoweverFewAreWanted) {
  std::deque<Stretch> stretches = {stretch(0, 0, LoadStage::kWarmup), stretch(1, 1, LoadStage::kWarmup),
                                   stretch(0, 0), stretch(1, 1), stretch(0, 0, LoadStage::kWaiting)};
  shorten(stretches, 1);
  EXPECT_THAT(ranges(stretches), ElementsAre("0-1", "0-1", "0-0"));
}

}  // namespace
}  // namespace tcp_echo::test
