#include "tcp_echo/base/counters.hpp"

#include <gtest/gtest.h>

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

TEST(Tally, SumsWhatBlocksHaveCounted) {
  WorkerCounters past;
  past.accepted.add(7);
  past.handed_over_out.add(4);
  past.closed_for(CloseReason::kCrash).add(1);
  past.received_bytes.add(10);
  WorkerCounters present;
  present.accepted.add(2);
  present.handed_over_in.add(4);
  present.closed_for(CloseReason::kClient).add(3);
  present.closed_for(CloseReason::kIdle).add(1);
  present.received_bytes.add(20);
  present.sent_bytes.add(20);
  Tally tally;
  tally.add(past);
  tally.add(present);
  EXPECT_EQ(tally.accepted, 9U);
  EXPECT_EQ(tally.handed_over_in, 4U);
  EXPECT_EQ(tally.handed_over_out, 4U);
  EXPECT_EQ(tally.closed, 5U);
  EXPECT_EQ(tally.received_bytes, 30U);
  EXPECT_EQ(tally.sent_bytes, 20U);
  EXPECT_EQ(tally.active(), 4U);
}

TEST(WorkerCounters, ShareNoCacheLineWithTheirNeighbour) {
  EXPECT_EQ(alignof(WorkerCounters), kCacheLine);
  EXPECT_EQ(sizeof(WorkerCounters) % kCacheLine, 0U);
}

}  // namespace
}  // namespace tcp_echo
