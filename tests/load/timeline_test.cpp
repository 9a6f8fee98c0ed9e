#include "tcp_echo/load/timeline.hpp"

#include <gtest/gtest.h>

namespace tcp_echo::test {
namespace {

/// The interval of a second, with one echo that took as many milliseconds.
LoadInterval second(int number) {
  LoadInterval interval;
  interval.begin = number;
  interval.end = number + 1;
  interval.counts.echoes = 1;
  interval.latency.record(std::chrono::milliseconds(number));
  return interval;
}

std::vector<RatePoint> timeline_of(int seconds, std::size_t most) {
  Timeline timeline(most);
  for (int i = 0; i < seconds; ++i) timeline.add(second(i));
  return timeline.take();
}

TEST(Timeline, HasAPointForEachInterval) {
  const auto points = timeline_of(4, 4);
  ASSERT_EQ(points.size(), 4U);
  EXPECT_EQ(points[3].begin, 3);
  EXPECT_EQ(points[3].end, 4);
  EXPECT_EQ(points[3].echoes, 1U);
  EXPECT_EQ(points[3].max, 3);
}

TEST(Timeline, IsNeverLongerThanItMayBeAndLosesNothing) {
  for (int seconds = 1; seconds < 40; ++seconds) {
    const auto points = timeline_of(seconds, 8);
    ASSERT_LE(points.size(), 8U);
    double end = 0;
    std::uint64_t echoes = 0;
    for (const auto& point : points) {
      EXPECT_EQ(point.begin, end);
      EXPECT_EQ(point.max, point.end - 1) << "the worst of its time";
      end = point.end;
      echoes += point.echoes;
    }
    EXPECT_EQ(end, seconds);
    EXPECT_EQ(echoes, static_cast<std::uint64_t>(seconds));
  }
}

TEST(Timeline, IsEvenlyCoarse) {
  const auto points = timeline_of(32, 8);
  ASSERT_EQ(points.size(), 8U);
  for (const auto& point : points) EXPECT_EQ(point.end - point.begin, 4) << point.begin;
}

}  // namespace
}  // namespace tcp_echo::test
