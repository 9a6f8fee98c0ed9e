#include "bench/comparison.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/runs.hpp"

namespace tcp_echo::bench {
namespace {

using testing::ElementsAre;

TEST(Comparison, ARunOfThePeerThatFailedDoesNotChangeTheRatio) {
  auto pairs = clean_pairs(3);
  pairs.push_back({clean_run(2000), failed_run(10)});  // 200 times as fast as a server that failed
  const auto ratio = comparison_of(pairs).ratio();
  EXPECT_EQ(ratio.count, 3U);
  EXPECT_EQ(ratio.high, 2);
}

TEST(Comparison, ARunOfOursThatFailedDoesNotChangeTheRatio) {
  auto pairs = clean_pairs(3);
  pairs.push_back({failed_run(10), clean_run(1000)});
  const auto ratio = comparison_of(pairs).ratio();
  EXPECT_EQ(ratio.count, 3U);
  EXPECT_EQ(ratio.low, 2);
}

TEST(Comparison, EveryOtherFigureIsOfTheCleanPairsToo) {
  auto pairs = clean_pairs(1);
  for (int i = 0; i < 2; ++i) {
    pairs.push_back({clean_run(8000, 0.1), failed_run(10)});
    pairs.back().theirs.client_busy = 1;
    pairs.back().theirs.server_busy = 0.1;
  }
  const auto comparison = comparison_of(pairs);
  EXPECT_EQ(comparison.clean_pairs(), 1U);
  EXPECT_EQ(comparison.median_of(&Run::rate, &Pair::ours), 2000);
  EXPECT_EQ(comparison.median_of(&Run::rate, &Pair::theirs), 1000);
  EXPECT_EQ(comparison.busy_of(&Pair::ours), 1);
  EXPECT_EQ(comparison.busy_of(&Pair::theirs), 1);
  EXPECT_EQ(comparison.efficiency_ratio().high, 2);
  EXPECT_EQ(comparison.bound_of(&Pair::theirs), Bound::kServer);
}

TEST(Comparison, WithoutACleanPairThereIsNoFigure) {
  const auto comparison = comparison_of({{clean_run(2000), failed_run(0)}, {failed_run(0), clean_run(1000)}});
  EXPECT_EQ(comparison.clean_pairs(), 0U);
  EXPECT_EQ(comparison.ratio().count, 0U);
  EXPECT_EQ(comparison.efficiency_ratio().count, 0U);
  EXPECT_EQ(comparison.median_of(&Run::rate, &Pair::ours), std::nullopt);
  EXPECT_EQ(comparison.busy_of(&Pair::ours), std::nullopt);
  EXPECT_EQ(comparison.bound_of(&Pair::ours), Bound::kUnknown);
}

TEST(Comparison, TheRatioOfEfficienciesCountsOnlyPairsWhereTheProcessorTimeOfBothIsKnown) {
  auto pairs = clean_pairs(3);
  pairs[1].theirs.server_busy = std::nullopt;
  EXPECT_EQ(comparison_of(pairs).ratio().count, 3U);
  EXPECT_EQ(comparison_of(pairs).efficiency_ratio().count, 2U);
}

TEST(Comparison, DroppedRunsWithTheSameComplaintArePutTogether) {
  auto pairs = clean_pairs(5);
  pairs[1].theirs = pairs[2].theirs = failed_run(0, "FAILED: 2 reset");
  pairs[4].theirs = failed_run(0, "FAILED: 3 reset");
  pairs[2].ours = failed_run(0, "FAILED: 2 reset");
  const auto dropped = comparison_of(pairs).dropped();
  ASSERT_EQ(dropped.size(), 3U);
  EXPECT_EQ(dropped[0].server, "tcp-echo");
  EXPECT_THAT(dropped[0].pairs, ElementsAre(3));
  EXPECT_EQ(dropped[1].server, "raw-epoll");
  EXPECT_EQ(dropped[1].complaint, "FAILED: 2 reset");
  EXPECT_THAT(dropped[1].pairs, ElementsAre(2, 3));
  EXPECT_EQ(dropped[2].complaint, "FAILED: 3 reset");
  EXPECT_THAT(dropped[2].pairs, ElementsAre(5));
}

}  // namespace
}  // namespace tcp_echo::bench
