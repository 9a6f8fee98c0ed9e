#include "tcp_echo/load/interval_gatherer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "support/dice.hpp"

namespace tcp_echo::test {
namespace {

/// An interval of a thread; interval N lasts from N to N + 1, counted over all stages.
Stretch part(LoadStage stage, std::uint64_t number, std::uint64_t echoes, double begin) {
  Stretch part;
  part.first = part.last = number;
  part.whole.stage = stage;
  part.whole.begin = begin;
  part.whole.end = begin + 1;
  part.whole.counts.echoes = echoes;
  return part;
}

/// A gatherer, and what it has handed on.
struct Gathering {
  explicit Gathering(unsigned threads)
      : gatherer(threads, [this](const LoadInterval& interval) { lines.push_back(interval); }) {}

  std::uint64_t echoes(LoadStage stage) const {
    std::uint64_t sum = 0;
    for (const auto& line : lines) sum += line.stage == stage ? line.counts.echoes : 0;
    return sum;
  }

  std::vector<LoadInterval> lines;
  IntervalGatherer gatherer;
};

TEST(IntervalGatherer, HandsAnIntervalOnOnceAllThreadsHaveEndedIt) {
  Gathering gathering(2);
  auto& gatherer = gathering.gatherer;
  gatherer.add(0, part(LoadStage::kMeasuring, 0, 1, 0));
  gatherer.add(0, part(LoadStage::kMeasuring, 1, 2, 1));
  EXPECT_EQ(gathering.lines.size(), 0U);
  gatherer.add(1, part(LoadStage::kMeasuring, 0, 4, 0));
  ASSERT_EQ(gathering.lines.size(), 1U);
  EXPECT_EQ(gathering.lines[0].counts.echoes, 5U);
  gatherer.add(1, part(LoadStage::kMeasuring, 1, 8, 1));
  ASSERT_EQ(gathering.lines.size(), 2U);
  EXPECT_EQ(gathering.lines[1].counts.echoes, 10U);
  EXPECT_EQ(gatherer.waiting(), 0U);
}

/// As when a signal reaches one thread just before an interval ends, and the other just after.
TEST(IntervalGatherer, NeverMixesTheMeasuredTimeWithTheWait) {
  Gathering gathering(2);
  auto& gatherer = gathering.gatherer;
  for (const unsigned thread : {0U, 1U}) gatherer.add(thread, part(LoadStage::kMeasuring, 0, 100, 0));
  gatherer.add(0, part(LoadStage::kWaiting, 0, 1, 1));
  gatherer.add(1, part(LoadStage::kMeasuring, 1, 10, 1));
  gatherer.add(1, part(LoadStage::kWaiting, 0, 2, 2));
  ASSERT_EQ(gathering.lines.size(), 3U);
  EXPECT_EQ(gathering.echoes(LoadStage::kMeasuring), 210U);
  EXPECT_EQ(gathering.lines[2].stage, LoadStage::kWaiting);
  EXPECT_EQ(gathering.lines[2].counts.echoes, 3U);
}

TEST(IntervalGatherer, NeverMixesTheWarmUpWithTheMeasuredTime) {
  Gathering gathering(2);
  auto& gatherer = gathering.gatherer;
  for (const unsigned thread : {0U, 1U}) gatherer.add(thread, part(LoadStage::kWarmup, 0, 100, 0));
  gatherer.add(0, part(LoadStage::kWaiting, 0, 1, 1));  // the signal came before it began to measure
  gatherer.add(1, part(LoadStage::kMeasuring, 0, 10, 1));
  gatherer.add(1, part(LoadStage::kWaiting, 0, 2, 2));
  ASSERT_EQ(gathering.lines.size(), 3U);
  EXPECT_EQ(gathering.echoes(LoadStage::kWarmup), 200U);
  EXPECT_EQ(gathering.echoes(LoadStage::kMeasuring), 10U);
  EXPECT_EQ(gathering.echoes(LoadStage::kWaiting), 3U);
}

TEST(IntervalGatherer, JoinsStretchesThatOverlap) {
  Gathering gathering(2);
  auto& gatherer = gathering.gatherer;
  auto joined = part(LoadStage::kMeasuring, 0, 7, 0);
  joined.last = 3;
  joined.whole.end = 4;
  gatherer.add(0, joined);
  for (std::uint64_t i = 0; i < 4; ++i) {
    EXPECT_EQ(gathering.lines.size(), 0U) << "the other thread has not ended them all";
    gatherer.add(1, part(LoadStage::kMeasuring, i, 10, static_cast<double>(i)));
  }
  ASSERT_EQ(gathering.lines.size(), 1U);
  EXPECT_EQ(gathering.lines[0].counts.echoes, 47U);
  EXPECT_EQ(gathering.lines[0].begin, 0);
  EXPECT_EQ(gathering.lines[0].end, 4);
}

TEST(IntervalGatherer, KnowsHowManyConnectionsAreOpenAtTheEndOfEach) {
  Gathering gathering(2);
  auto& gatherer = gathering.gatherer;
  const auto add = [&](unsigned thread, LoadStage stage, std::uint64_t number, std::int64_t opened) {
    auto next = part(stage, number, 0, 0);
    next.opened = opened;
    gatherer.add(thread, next);
  };
  add(0, LoadStage::kMeasuring, 0, 3);
  add(0, LoadStage::kMeasuring, 1, -1);
  add(1, LoadStage::kMeasuring, 0, 5);
  add(1, LoadStage::kWaiting, 0, -5);
  add(0, LoadStage::kWaiting, 0, -2);
  ASSERT_EQ(gathering.lines.size(), 3U);
  EXPECT_EQ(gathering.lines[0].open, 8U);
  EXPECT_EQ(gathering.lines[1].open, 7U);
  EXPECT_EQ(gathering.lines[2].open, 0U);
}

TEST(IntervalGatherer, KeepsFewForAThreadThatIsFarBehind) {
  constexpr std::uint64_t kIntervals = 10'000;
  Gathering gathering(2);
  auto& gatherer = gathering.gatherer;
  for (std::uint64_t i = 0; i < kIntervals; ++i) {
    gatherer.add(0, part(LoadStage::kMeasuring, i, 1, static_cast<double>(i)));
    ASSERT_LE(gatherer.waiting(), IntervalGatherer::kMostWaiting);
  }
  for (std::uint64_t i = 0; i < kIntervals; ++i)
    gatherer.add(1, part(LoadStage::kMeasuring, i, 1, static_cast<double>(i)));
  EXPECT_EQ(gatherer.waiting(), 0U);
  EXPECT_EQ(gathering.echoes(LoadStage::kMeasuring), 2 * kIntervals);
  EXPECT_LE(gathering.lines.size(), IntervalGatherer::kMostWaiting);
}

/// Threads that end intervals, each as fast as it can, and somebody who takes them, as seldom as may be.
class Walk {
 public:
  static constexpr unsigned kThreads = 3;

  explicit Walk(const Dice& dice) : dice_(dice) {
    for (auto& thread : threads_) {
      thread.left = {dice_.below(100), dice_.below(500), 1};
      for (std::size_t stage = 0; stage < thread.left.size(); ++stage) sent_[stage] += thread.left.at(stage);
    }
  }

  void take() {
    const auto pace = dice_.between(1, 200);
    while (std::any_of(threads_.begin(), threads_.end(),
                       [](const auto& thread) { return !thread.is_through(); })) {
      const auto one = static_cast<unsigned>(dice_.below(kThreads));
      for (auto steps = dice_.below(20); steps > 0; --steps) threads_.at(one).proceed();
      if (dice_.once_in(pace)) deliver();
    }
    deliver();
    expect_all();
  }

 private:
  struct Thread {
    bool is_through() const { return stage == left.size(); }
    void proceed() {
      while (!is_through() && left.at(stage) == number) {
        ++stage;
        number = 0;
      }
      if (is_through()) return;
      pending.push_back(part(static_cast<LoadStage>(stage), number++, 1, begin++));
      shorten(pending, 3);
    }

    std::array<std::uint64_t, 3> left{};  ///< intervals of each stage
    std::size_t stage = 0;
    std::uint64_t number = 0;
    double begin = 0;
    std::deque<Stretch> pending;
  };

  void deliver() {
    for (unsigned i = 0; i < kThreads; ++i) {
      for (; !threads_.at(i).pending.empty(); threads_.at(i).pending.pop_front())
        gathering_.gatherer.add(i, threads_.at(i).pending.front());
      ASSERT_LE(gathering_.gatherer.waiting(), IntervalGatherer::kMostWaiting);
    }
  }

  void expect_all() const {
    EXPECT_EQ(gathering_.gatherer.waiting(), 0U);
    for (std::size_t stage = 0; stage < sent_.size(); ++stage)
      EXPECT_EQ(gathering_.echoes(static_cast<LoadStage>(stage)), sent_.at(stage)) << stage;
    const auto is_in_order = [](const LoadInterval& one, const LoadInterval& other) {
      return one.stage < other.stage;
    };
    EXPECT_TRUE(std::is_sorted(gathering_.lines.begin(), gathering_.lines.end(), is_in_order));
  }

  Dice dice_;
  std::array<Thread, kThreads> threads_;
  std::array<std::uint64_t, 3> sent_{};
  Gathering gathering_{kThreads};
};

TEST(IntervalGatherer, LosesNothingHoweverThreadsAndStagesFall) {
  take_walks(300, [](const Dice& dice) { Walk(dice).take(); });
}

/// Each overlaps a part of what the other has ended so far: lines must be handed on nevertheless.
TEST(IntervalGatherer, IsNotHeldUpByThreadsThatAreTakenFromByTurns) {
  constexpr std::uint64_t kIntervals = 3000;
  Gathering gathering(2);
  std::array<std::deque<Stretch>, 2> pending;
  for (std::uint64_t i = 0; i < kIntervals; ++i) {
    for (auto& each : pending) {
      each.push_back(part(LoadStage::kMeasuring, i, 1, static_cast<double>(i)));
      shorten(each, 2);
    }
    if (i % 10 != 0) continue;
    const unsigned turn = i / 10 % 2;
    for (; !pending.at(turn).empty(); pending.at(turn).pop_front())
      gathering.gatherer.add(turn, pending.at(turn).front());
  }
  EXPECT_GT(gathering.lines.size(), kIntervals / 100);
  for (const auto& line : gathering.lines) EXPECT_LE(line.end - line.begin, 64) << line.begin;
}

}  // namespace
}  // namespace tcp_echo::test
