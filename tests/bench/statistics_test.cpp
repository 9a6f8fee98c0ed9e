#include "bench/statistics.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace tcp_echo::bench {
namespace {

std::vector<double> one_to(std::size_t n) {
  std::vector<double> values(n);
  std::iota(values.rbegin(), values.rend(), 1.0);
  return values;
}

TEST(Statistics, TheMedianIsTheMiddleOrBetweenTheTwoInTheMiddle) {
  EXPECT_EQ(median({}), 0);
  EXPECT_EQ(median({7}), 7);
  EXPECT_EQ(median({9, 1, 5}), 5);
  EXPECT_EQ(median({9, 1, 5, 6}), 5.5);
}

// The ranks are those of tables of the sign test: 15 values, from the 4th to the 12th, 96.48 %.
TEST(Statistics, TheIntervalOfFifteenValuesLeavesThreeOutAtEachEnd) {
  const auto result = estimate(one_to(15));
  EXPECT_EQ(result.median, 8);
  EXPECT_EQ(result.low, 4);
  EXPECT_EQ(result.high, 12);
  EXPECT_NEAR(result.confidence, 0.9648, 0.0001);
}

TEST(Statistics, SixValuesAreTheFewestForNinetyFivePercent) {
  EXPECT_NEAR(estimate(one_to(6)).confidence, 1 - 2.0 / 64, 1e-9);
  EXPECT_NEAR(estimate(one_to(5)).confidence, 1 - 2.0 / 32, 1e-9);
  EXPECT_EQ(estimate(one_to(5)).low, 1);
  EXPECT_EQ(estimate(one_to(5)).high, 5);
}

TEST(Statistics, OneValueIsAMedianWithoutConfidence) {
  const auto result = estimate({3});
  EXPECT_EQ(result.median, 3);
  EXPECT_EQ(result.confidence, 0);
}

}  // namespace
}  // namespace tcp_echo::bench
