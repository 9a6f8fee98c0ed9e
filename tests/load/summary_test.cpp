#include "tcp_echo/load/summary.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

namespace tcp_echo {
namespace {

/// Every counter there is, in the order of the struct.
std::vector<std::uint64_t*> counters_of(LoadCounts& counts) {
  return {&counts.connected,      &counts.refused,      &counts.reset,          &counts.closed_early,
          &counts.unreachable,    &counts.stuck,        &counts.without_fin,    &counts.echoes,
          &counts.late,           &counts.skipped,      &counts.lost,           &counts.sent_bytes,
          &counts.received_bytes, &counts.faults.wrong, &counts.faults.missing, &counts.faults.extra};
}

TEST(LoadCounts, AddEveryCounter) {
  LoadCounts sum;
  LoadCounts more;
  ASSERT_EQ(counters_of(sum).size() * sizeof(std::uint64_t), sizeof(LoadCounts));
  std::uint64_t next = 1;
  for (auto* const counter : counters_of(more)) *counter = next++;
  sum += more;
  sum += more;
  next = 1;
  for (const auto* const counter : counters_of(sum)) EXPECT_EQ(*counter, 2 * next++);
}

TEST(LoadCounts, FailForWhatASoundServerDoesNotDo) {
  std::vector<std::size_t> failures;
  LoadCounts all;
  for (std::size_t i = 0; i < counters_of(all).size(); ++i) {
    LoadCounts counts;
    *counters_of(counts)[i] = 1;
    if (counts.any_failure()) failures.push_back(i);
  }
  // refused, reset, closed_early, unreachable, stuck; wrong, missing, extra
  EXPECT_EQ(failures, (std::vector<std::size_t>{1, 2, 3, 4, 5, 13, 14, 15}));
}

LoadSummary of_a_good_run() {
  LoadSummary summary;
  summary.has_echoed = true;
  return summary;
}

TEST(LoadSummary, IsGoodWhenNothingWasLost) {
  auto summary = of_a_good_run();
  EXPECT_TRUE(summary.is_good());
  summary.counts.skipped = 5;
  summary.counts.without_fin = 5;
  summary.held_back = 5;
  summary.own_limits.emplace_back("one processor was always busy");
  EXPECT_TRUE(summary.is_good());
}

TEST(LoadSummary, IsNotGoodWhenConnectionsCouldNotBeTried) {
  auto summary = of_a_good_run();
  summary.own_limits_failed = 1;
  EXPECT_FALSE(summary.is_good());
}

TEST(LoadSummary, IsNotGoodWhenConnectionsNeverCameToBe) {
  auto summary = of_a_good_run();
  summary.never_made = 1;
  EXPECT_FALSE(summary.is_good());
}

TEST(LoadSummary, IsNotGoodWhenNothingWasEchoedThatShouldBe) {
  LoadSummary summary;
  EXPECT_FALSE(summary.is_good());
  summary.wants_echoes = false;
  EXPECT_TRUE(summary.is_good());
}

}  // namespace
}  // namespace tcp_echo
