#include "tcp_echo/base/tally.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <set>

namespace tcp_echo {
namespace {

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
  EXPECT_EQ(tally.all_closed(), 5U);
  EXPECT_EQ(tally.received_bytes, 30U);
  EXPECT_EQ(tally.sent_bytes, 20U);
  EXPECT_EQ(tally.active(), 4U);
}

using Words = std::array<std::uint64_t, sizeof(WorkerCounters) / sizeof(std::uint64_t)>;

Words words_of(const WorkerCounters& block) {
  Words words{};
  std::memcpy(words.data(), &block, sizeof block);
  return words;
}

template <class Member>
std::size_t place_of(const WorkerCounters& block, const Member& member) {
  const auto distance =
      reinterpret_cast<const std::byte*>(&member) - reinterpret_cast<const std::byte*>(&block);
  return static_cast<std::size_t>(distance) / sizeof(std::uint64_t);
}

/// Whatever a block has, it is a word, so a counter that is added later is found here as well.
TEST(Tally, CarriesEveryCounterOfABlockIntoAnotherOne) {
  WorkerCounters from;
  const auto end = place_of(from, from.sizes.sum) + 1;
  ASSERT_EQ(from.sizes.sum.get(), words_of(from).at(end - 1));
  auto* const counters = reinterpret_cast<Counter*>(&from);
  for (std::size_t i = 0; i < end; ++i) counters[i].add(i + 1);

  WorkerCounters into;
  tally_of(from).add_to(into);

  const std::set<std::size_t> of_one_moment = {place_of(from, from.heartbeats),
                                               place_of(from, from.busy_permille),
                                               place_of(from, from.lag_microseconds)};
  const auto words = words_of(into);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool is_carried = i < end && !of_one_moment.contains(i);
    EXPECT_EQ(words.at(i), is_carried ? i + 1 : 0) << "word " << i;
  }
}

TEST(Tally, AddsUpOthersAsItDoesBlocks) {
  WorkerCounters block;
  block.accepted.add(3);
  block.closed_for(CloseReason::kLimit).add(1);
  block.errors_for(AcceptError::kMemory).add(2);
  block.lifetimes.count(1000);
  block.sizes.count(64);
  auto twice = tally_of(block);
  twice.add(tally_of(block));
  auto read_twice = tally_of(block);
  read_twice.add(block);
  EXPECT_EQ(twice, read_twice);
  EXPECT_EQ(twice.active(), 4U);
  EXPECT_EQ(twice.lifetimes.sum, 2000U);
}

}  // namespace
}  // namespace tcp_echo
