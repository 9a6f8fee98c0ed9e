#include "tcp_echo/load/due_messages.hpp"

#include <gtest/gtest.h>

#include "support/dice.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

const DueMessages::Time kBegin{1h};
constexpr auto kNever = DueMessages::Time::max();

DueMessages hundred_a_second() {
  DueMessages messages;
  messages.begin(Schedule(kBegin, 100));
  return messages;
}

/// How many were dropped, in how many calls.
struct Dropped {
  std::uint64_t messages = 0;
  std::uint64_t calls = 0;
};
Dropped drop_before(DueMessages& messages, DueMessages::Time time) {
  Dropped dropped;
  messages.drop_before(time, [&](DueMessages::Time due, std::uint64_t some) {
    EXPECT_LT(due, time);
    dropped.messages += some;
    ++dropped.calls;
  });
  return dropped;
}

TEST(DueMessages, AreNoneBeforeTheyHaveBegun) {
  DueMessages messages;
  EXPECT_EQ(messages.next(), kNever);
  EXPECT_EQ(drop_before(messages, kNever).messages, 0U);
  messages.end(kBegin);
  EXPECT_EQ(messages.due_since(kBegin), 0U);
}

TEST(DueMessages, AreTakenOneByOneUntilTheirEnd) {
  auto messages = hundred_a_second();
  messages.end(kBegin + 20ms + 1ns);
  for (const auto due : {0ms, 10ms, 20ms}) {
    EXPECT_EQ(messages.next(), kBegin + due);
    messages.take();
  }
  EXPECT_EQ(messages.next(), kNever);
  EXPECT_EQ(messages.due_since(kBegin), 3U);
  EXPECT_EQ(messages.due_since(kBegin + 1ns), 2U);
}

TEST(DueMessages, BeginOnce) {
  auto messages = hundred_a_second();
  messages.take();
  messages.begin(Schedule(kBegin, 1));
  EXPECT_EQ(messages.next(), kBegin + 10ms);
}

TEST(DueMessages, ThatWereTakenWereDueHoweverEarlyTheEndIs) {
  auto messages = hundred_a_second();
  for (int i = 0; i < 5; ++i) messages.take();
  messages.end(kBegin + 20ms);
  EXPECT_EQ(messages.next(), kNever);
  EXPECT_EQ(messages.due_since(kBegin), 5U);
}

TEST(DueMessages, AreDroppedInFewCallsHoweverManyTheyAre) {
  DueMessages messages;
  messages.begin(Schedule(kBegin, 1e9));
  const auto dropped = drop_before(messages, kBegin + 10s);
  EXPECT_EQ(dropped.messages, 10'000'000'000U);
  EXPECT_LE(dropped.calls, 10'000U);
  EXPECT_GE(messages.next(), kBegin + 10s);
}

TEST(DueMessages, AreEachTakenOrDroppedOnceWhateverComesWhen) {
  const auto first = first_seed();
  for (auto seed = first; seed < first + walks(200); ++seed) {
    Dice dice(seed);
    DueMessages messages;
    messages.begin(Schedule(kBegin, static_cast<double>(dice.between(1, 5000))));
    const auto end = kBegin + std::chrono::milliseconds(dice.between(0, 1000));
    auto now = kBegin;
    std::uint64_t booked = 0;
    for (bool has_ended = false; !has_ended || messages.next() != kNever;) {
      now += std::chrono::microseconds(dice.between(0, 100'000));
      if (!has_ended && now >= end) messages.end(end);
      has_ended |= now >= end;
      if (dice.once_in(2)) booked += drop_before(messages, now).messages;
      for (auto some = dice.below(50); some > 0 && messages.next() <= now; --some, ++booked) messages.take();
    }
    ASSERT_EQ(booked, messages.due_since(kBegin)) << how_to_repeat(seed);
  }
}

}  // namespace
}  // namespace tcp_echo::test
