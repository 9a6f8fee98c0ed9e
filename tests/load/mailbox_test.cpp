#include "tcp_echo/load/mailbox.hpp"

#include <gtest/gtest.h>

#include <array>
#include <thread>
#include <vector>

namespace tcp_echo::test {
namespace {

constexpr std::size_t kEach = 500;

/// An interval in which one message came back.
LoadMessage message(unsigned thread, std::uint64_t number, LoadStage stage = LoadStage::kMeasuring) {
  LoadMessage message;
  message.thread = thread;
  message.stretch.first = message.stretch.last = number;
  message.stretch.opened = 1;
  auto& whole = message.stretch.whole;
  whole.begin = static_cast<double>(number);
  whole.end = static_cast<double>(number + 1);
  whole.stage = stage;
  whole.counts.echoes = 1;
  whole.latency.record(std::chrono::microseconds(1));
  return message;
}

std::uint64_t length(const Stretch& stretch) { return stretch.last - stretch.first + 1; }

/// Fails unless it holds what its intervals held, and says so.
void expect_whole(const Stretch& stretch) {
  EXPECT_EQ(stretch.whole.counts.echoes, length(stretch));
  EXPECT_EQ(stretch.whole.latency.count(), length(stretch));
  EXPECT_EQ(stretch.opened, static_cast<std::int64_t>(length(stretch)));
  EXPECT_EQ(stretch.whole.begin, static_cast<double>(stretch.first));
  EXPECT_EQ(stretch.whole.end, static_cast<double>(stretch.last + 1));
}

/// All that a loop finds in the mailbox after everything was posted, and nothing taken meanwhile.
template <class PostAll>
std::vector<LoadMessage> delivered_at_once(unsigned threads, PostAll post_all) {
  Loop loop;
  std::vector<LoadMessage> seen;
  Mailbox mailbox(loop, threads, [&](LoadMessage message) {
    seen.push_back(std::move(message));
    loop.stop();
  });
  post_all(mailbox);
  loop.run();
  return seen;
}

TEST(Mailbox, DeliversEveryIntervalInTheOrderOfItsSender) {
  constexpr unsigned kSenders = 3;
  Loop loop;
  std::array<std::uint64_t, kSenders> next{};
  std::uint64_t total = 0;
  const auto here = std::this_thread::get_id();
  Mailbox mailbox(loop, kSenders, [&](const LoadMessage& message) {
    EXPECT_EQ(std::this_thread::get_id(), here);
    EXPECT_EQ(message.stretch.first, next.at(message.thread));
    expect_whole(message.stretch);
    next.at(message.thread) = message.stretch.last + 1;
    total += length(message.stretch);
    if (total == kEach * kSenders) loop.stop();
  });
  std::vector<std::thread> senders;
  senders.reserve(kSenders);
  for (unsigned sender = 0; sender < kSenders; ++sender) {
    senders.emplace_back([&mailbox, sender] {
      for (std::size_t i = 0; i < kEach; ++i) mailbox.post(message(sender, i));
    });
  }
  loop.run();
  for (auto& sender : senders) sender.join();
  EXPECT_EQ(total, kEach * kSenders);
}

TEST(Mailbox, HandsOnWhatIsPostedWhileItDelivers) {
  Loop loop;
  std::vector<std::uint64_t> seen;
  Mailbox* self = nullptr;
  Mailbox mailbox(loop, 1, [&](const LoadMessage& delivered) {
    seen.push_back(delivered.stretch.first);
    if (delivered.stretch.first == 1) return loop.stop();
    self->post(message(0, delivered.stretch.first + 1));
  });
  self = &mailbox;
  mailbox.post(message(0, 0));
  loop.run();
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{0, 1}));
}

TEST(Mailbox, DoesNotPutTogetherTheFewThatWaitForAMoment) {
  const auto seen = delivered_at_once(1, [](Mailbox& mailbox) {
    for (std::uint64_t i = 0; i < Mailbox::kMostWaiting; ++i) mailbox.post(message(0, i));
  });
  EXPECT_EQ(seen.size(), Mailbox::kMostWaiting);
}

TEST(Mailbox, HoldsFewOfEachThreadHoweverLongNobodyTakesThem) {
  const auto seen = delivered_at_once(2, [](Mailbox& mailbox) {
    for (std::uint64_t i = 0; i < kEach; ++i) {
      for (const unsigned thread : {0U, 1U}) mailbox.post(message(thread, i));
    }
  });
  EXPECT_LE(seen.size(), 2 * Mailbox::kMostWaiting);
  std::array<std::uint64_t, 2> next{};
  for (const auto& delivered : seen) {
    EXPECT_EQ(delivered.stretch.first, next.at(delivered.thread)) << "in order, and nothing left out";
    expect_whole(delivered.stretch);
    next.at(delivered.thread) = delivered.stretch.last + 1;
  }
  EXPECT_EQ(next[0], kEach);
  EXPECT_EQ(next[1], kEach);
}

TEST(Mailbox, NeverPutsTogetherWhatIsOfTwoStages) {
  const auto seen = delivered_at_once(1, [](Mailbox& mailbox) {
    for (const auto stage : {LoadStage::kWarmup, LoadStage::kMeasuring}) {
      for (std::uint64_t i = 0; i < kEach; ++i) mailbox.post(message(0, i, stage));
    }
    auto last = message(0, 0, LoadStage::kWaiting);
    last.result.emplace();
    mailbox.post(std::move(last));
  });
  EXPECT_LE(seen.size(), Mailbox::kMostWaiting + 1);
  std::array<std::uint64_t, 3> intervals{};
  for (const auto& delivered : seen) {
    expect_whole(delivered.stretch);
    intervals.at(static_cast<std::size_t>(delivered.stretch.stage())) += length(delivered.stretch);
    EXPECT_EQ(delivered.result.has_value(), delivered.stretch.stage() == LoadStage::kWaiting);
  }
  EXPECT_EQ(intervals, (std::array<std::uint64_t, 3>{kEach, kEach, 1}));
}

}  // namespace
}  // namespace tcp_echo::test
