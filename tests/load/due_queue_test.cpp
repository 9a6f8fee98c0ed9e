#include "tcp_echo/load/due_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "support/wait.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

class Errand final : public Due {
 public:
  explicit Errand(std::function<void(Time)> on_time) : on_time_(std::move(on_time)) {}
  void on_due(Time now) noexcept override { on_time_(now); }

 private:
  std::function<void(Time)> on_time_;
};

class Queue : public testing::Test {
 public:
  /// Until nothing has been due for a while.
  void run() {
    Errand end([this](auto) { loop_.stop(); });
    queue_.schedule(end, SteadyClock::now() + 30ms);
    loop_.run();
  }
  /// One that notes its number.
  Errand& errand(int number) {
    return errands_.emplace_back([this, number](auto) { order_.push_back(number); });
  }

  Loop loop_;
  DueQueue queue_{loop_};
  std::deque<Errand> errands_;
  std::vector<int> order_;
};

TEST_F(Queue, CallsInTheOrderOfTime) {
  const auto now = SteadyClock::now();
  queue_.schedule(errand(3), now + 3ms);
  queue_.schedule(errand(1), now + 1ms);
  queue_.schedule(errand(2), now + 2ms);
  queue_.schedule(errand(0), now - 1h);
  run();
  EXPECT_EQ(order_, (std::vector<int>{0, 1, 2, 3}));
  for (const auto& each : errands_) EXPECT_FALSE(each.is_scheduled());
}

TEST_F(Queue, IsNeverEarly) {
  for (const auto delay : {10us, 150us, 1100us}) {
    const auto due = SteadyClock::now() + delay;
    Errand early([&](auto now) {
      EXPECT_GE(now, due);
      EXPECT_GE(SteadyClock::now(), due);
      loop_.stop();
    });
    queue_.schedule(early, due);
    loop_.run();
  }
}

TEST_F(Queue, AnotherTimeReplacesTheFirst) {
  const auto now = SteadyClock::now();
  auto& later = errand(1);
  auto& sooner = errand(2);
  queue_.schedule(later, now + 1ms);
  queue_.schedule(sooner, now + 1h);
  queue_.schedule(later, now + 5ms);
  queue_.schedule(sooner, now + 2ms);
  run();
  EXPECT_EQ(order_, (std::vector<int>{2, 1}));
}

TEST_F(Queue, WhatIsCancelledIsNotCalled) {
  const auto now = SteadyClock::now();
  for (int i = 0; i < 20; ++i) queue_.schedule(errand(i), now + i * 100us);
  for (const int i : {0, 7, 19, 12}) queue_.cancel(errands_[static_cast<std::size_t>(i)]);
  queue_.cancel(errands_[7]);
  run();
  EXPECT_EQ(order_, (std::vector<int>{1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 13, 14, 15, 16, 17, 18}));
}

TEST_F(Queue, MayBeChangedByWhoIsCalled) {
  const auto now = SteadyClock::now();
  auto& cancelled = errand(1);
  auto& brought_on = errand(2);
  Errand first([&](auto at) {
    queue_.cancel(cancelled);
    queue_.schedule(brought_on, at);
  });
  queue_.schedule(first, now);
  queue_.schedule(cancelled, now);
  queue_.schedule(brought_on, now + 1h);
  run();
  EXPECT_EQ(order_, std::vector<int>{2});
}

TEST_F(Queue, WhoIsAlwaysLateLeavesTheLoopItsTurns) {
  int calls = 0;
  Errand always([&](auto now) {
    if (++calls < 1000) queue_.schedule(always, now);
  });
  bool has_turned = false;
  queue_.schedule(always, SteadyClock::now());
  while (calls == 0) loop_.turn_once();
  has_turned = calls < 1000;
  EXPECT_TRUE(has_turned);
  while (calls < 1000) loop_.turn_once();
}

TEST_F(Queue, CallsEachOnceInATurnOfTheLoop) {
  int calls = 0;
  Errand always([&](auto now) {
    ++calls;
    queue_.schedule(always, now);
  });
  queue_.schedule(always, SteadyClock::now());
  for (int i = 0; i < 10; ++i) queue_.schedule(errand(i), SteadyClock::now() + 1h);
  while (calls == 0) loop_.turn_once();
  EXPECT_EQ(calls, 1);
  queue_.cancel(always);
}

TEST_F(Queue, TellsWhatIsScheduledAndForWhen) {
  const auto now = SteadyClock::now();
  auto& first = errand(1);
  EXPECT_FALSE(first.is_scheduled());
  queue_.schedule(first, now + 1h);
  EXPECT_TRUE(first.is_scheduled());
  EXPECT_EQ(first.due(), now + 1h);
  queue_.schedule(first, now + 2h);
  EXPECT_EQ(first.due(), now + 2h);
  queue_.cancel(first);
  EXPECT_FALSE(first.is_scheduled());
}

TEST_F(Queue, WhoIsCalledIsNoLongerScheduled) {
  bool was_scheduled = true;
  Errand one([&](auto) { was_scheduled = one.is_scheduled(); });
  queue_.schedule(one, SteadyClock::now());
  run();
  EXPECT_FALSE(was_scheduled);
}

TEST_F(Queue, ForgetsWhatIsCancelled) {
  auto gone = std::make_unique<Errand>([](auto) { FAIL(); });
  queue_.schedule(*gone, SteadyClock::now());
  queue_.schedule(errand(1), SteadyClock::now());
  queue_.cancel(*gone);
  gone.reset();
  run();
  EXPECT_EQ(order_, std::vector<int>{1});
}

TEST_F(Queue, TakesEntriesAgainAfterItRanEmpty) {
  for (int i = 0; i < 3; ++i) {
    queue_.schedule(errand(i), SteadyClock::now() + 100us);
    while (errands_.back().is_scheduled()) loop_.turn_once();
  }
  EXPECT_EQ(order_, (std::vector<int>{0, 1, 2}));
}

/// What a queue should do, told by a map: whoever is called was the first of all, whatever those before did.
class Model {
 public:
  Model(DueQueue& queue, std::size_t entries, unsigned changes) : queue_(queue), changes_left_(changes) {
    for (std::size_t i = 0; i < entries; ++i) {
      entries_.emplace_back([this, i](auto now) { on_due(i, now); });
      move(i);
    }
  }

  bool is_empty() const { return times_.empty(); }
  unsigned calls() const { return calls_; }

 private:
  using Times = std::multimap<SteadyClock::time_point, std::size_t>;

  void on_due(std::size_t i, SteadyClock::time_point now) {
    ++calls_;
    ASSERT_FALSE(times_.empty());
    EXPECT_EQ(entries_[i].due(), times_.begin()->first);
    EXPECT_GE(now, entries_[i].due());
    erase(i);
    for (int change = 0; change < 3 && changes_left_ > 0; ++change, --changes_left_) {
      const auto other = random_() % entries_.size();
      if (random_() % 3 == 0)
        cancel(other);
      else
        move(other);
    }
  }
  void move(std::size_t i) {
    const auto time = SteadyClock::now() + std::chrono::microseconds(random_() % 1000);
    erase(i);
    times_.emplace(time, i);
    queue_.schedule(entries_[i], time);
  }
  void cancel(std::size_t i) {
    erase(i);
    queue_.cancel(entries_[i]);
  }
  void erase(std::size_t i) {
    const auto is_it = [i](const auto& each) { return each.second == i; };
    const auto found = std::find_if(times_.begin(), times_.end(), is_it);
    if (found != times_.end()) times_.erase(found);
  }

  DueQueue& queue_;
  std::mt19937 random_{11};
  std::deque<Errand> entries_;
  Times times_;
  unsigned changes_left_;
  unsigned calls_ = 0;
};

TEST_F(Queue, KeepsTheOrderWhateverThoseDoWhoAreCalled) {
  Model model(queue_, 100, 5000);
  EXPECT_TRUE(turn_until(loop_, [&] { return model.is_empty(); }));
  EXPECT_GT(model.calls(), 1000U);
}

TEST_F(Queue, OfManyKeepsTheirOrder) {
  std::mt19937 random(7);
  const auto now = SteadyClock::now();
  std::vector<std::pair<SteadyClock::time_point, int>> expected;
  for (int i = 0; i < 2000; ++i)
    queue_.schedule(errand(i), now + std::chrono::nanoseconds(random() % 10'000'000));
  for (int i = 0; i < 2000; ++i) {
    auto& each = errands_[static_cast<std::size_t>(i)];
    // A third gets another time, a third is cancelled.
    if (i % 3 == 0) queue_.schedule(each, now + std::chrono::nanoseconds(random() % 10'000'000));
    if (i % 3 == 1) queue_.cancel(each);
    if (i % 3 != 1) expected.emplace_back(each.due(), i);
  }
  std::stable_sort(expected.begin(), expected.end());
  run();
  ASSERT_EQ(order_.size(), expected.size());
  for (std::size_t i = 0; i < order_.size(); ++i)
    ASSERT_EQ(errands_[static_cast<std::size_t>(order_[i])].due(), expected[i].first);
}

}  // namespace
}  // namespace tcp_echo::test
