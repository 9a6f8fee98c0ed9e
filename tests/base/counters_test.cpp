#include "tcp_echo/base/counters.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <string_view>
#include <thread>

namespace tcp_echo {
namespace {

TEST(Counter, StartsAtZeroAndAddsUp) {
  Counter counter;
  EXPECT_EQ(counter.get(), 0U);
  counter.add(3);
  counter.add(0);
  counter.add(std::uint64_t{1} << 40U);
  EXPECT_EQ(counter.get(), (std::uint64_t{1} << 40U) + 3);
}

TEST(CloseReasons, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (std::size_t reason = 0; reason < kCloseReasonCount; ++reason)
    names.insert(name_of(static_cast<CloseReason>(reason)));
  EXPECT_EQ(names.size(), kCloseReasonCount);
  EXPECT_FALSE(names.contains(""));
}

TEST(WorkerCounters, CountEachReasonSeparately) {
  WorkerCounters counters;
  counters.closed_for(CloseReason::kIdle).add(2);
  counters.closed_for(CloseReason::kCrash).add(1);
  EXPECT_EQ(counters.closed_for(CloseReason::kIdle).get(), 2U);
  EXPECT_EQ(counters.closed_for(CloseReason::kClient).get(), 0U);
  EXPECT_EQ(counters.all_closed(), 3U);
}

TEST(WorkerCounters, CallActiveWhatWasAcceptedAndNotClosed) {
  WorkerCounters counters;
  counters.accepted.add(5);
  counters.closed_for(CloseReason::kClient).add(2);
  counters.closed_for(CloseReason::kReset).add(1);
  EXPECT_EQ(counters.active(), 2U);
}

TEST(WorkerCounters, CountWhatWasHandedOverAsComeAndGone) {
  WorkerCounters counters;
  counters.accepted.add(5);
  counters.handed_over_in.add(4);
  counters.handed_over_out.add(3);
  counters.closed_for(CloseReason::kClient).add(2);
  EXPECT_EQ(counters.active(), 4U);
  EXPECT_EQ(counters.all_closed(), 2U) << "handed over is not closed";
}

TEST(WorkerCounters, NeverShowAReaderMoreClosedThanOpened) {
  constexpr std::uint64_t kConnections = 100'000;
  WorkerCounters counters;
  std::thread writer([&counters] {
    for (std::uint64_t i = 0; i < kConnections; ++i) {
      counters.accepted.add(1);
      counters.closed_for(static_cast<CloseReason>(i % kCloseReasonCount)).add(1);
    }
  });
  std::uint64_t largest = 0;
  do {
    largest = std::max(largest, counters.active());  // a negative count would be huge
  } while (counters.all_closed() < kConnections);
  writer.join();
  EXPECT_LE(largest, kConnections);
  EXPECT_EQ(counters.active(), 0U);
}

TEST(AcceptErrors, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (std::size_t error = 0; error < kAcceptErrorCount; ++error)
    names.insert(name_of(static_cast<AcceptError>(error)));
  EXPECT_EQ(names.size(), kAcceptErrorCount);
  EXPECT_FALSE(names.contains(""));
}

TEST(Gauge, ShowsTheLatest) {
  Gauge gauge;
  EXPECT_EQ(gauge.get(), 0U);
  gauge.set(7);
  gauge.set(5);
  EXPECT_EQ(gauge.get(), 5U);
}

TEST(Log2Histogram, CountsByBinaryDigits) {
  Log2Histogram<5> histogram;
  for (const auto value : {0, 1, 2, 3, 4, 7, 8}) histogram.count(static_cast<std::uint64_t>(value));
  EXPECT_EQ(histogram.buckets[0].get(), 1U) << "0";
  EXPECT_EQ(histogram.buckets[1].get(), 1U) << "1";
  EXPECT_EQ(histogram.buckets[2].get(), 2U) << "2 and 3";
  EXPECT_EQ(histogram.buckets[3].get(), 2U) << "4 to 7";
  EXPECT_EQ(histogram.buckets[4].get(), 1U) << "8 and more";
  EXPECT_EQ(histogram.sum.get(), 25U);
}

TEST(Log2Histogram, HasALastBucketForAllThatIsLarger) {
  Log2Histogram<5> histogram;
  histogram.count(std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(histogram.buckets[4].get(), 1U);
}

TEST(WorkerCounters, ShareNoCacheLineWithTheirNeighbour) {
  EXPECT_EQ(alignof(WorkerCounters) % kCacheLine, 0U);
  EXPECT_EQ(sizeof(WorkerCounters) % kCacheLine, 0U);
}

}  // namespace
}  // namespace tcp_echo
