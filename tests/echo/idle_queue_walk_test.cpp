// Random members against the idle queue: it stays in order and loses nobody, compared with a plain list.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <list>
#include <vector>

#include "support/dice.hpp"
#include "support/wait.hpp"
#include "tcp_echo/echo/idle_queue.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;
using Milliseconds = std::chrono::milliseconds;

struct QuietOne : IdleNode {
  bool is_in = false;
};

/// The same as a queue, in the simplest way: a list that is searched.
class PlainQueue {
 public:
  void insert(QuietOne& member, Milliseconds activity) {
    const auto newer = std::find_if(entries_.begin(), entries_.end(),
                                    [activity](const Entry& entry) { return entry.activity > activity; });
    entries_.insert(newer, {&member, activity});
  }
  void remove(QuietOne& member) {
    std::erase_if(entries_, [&member](const Entry& entry) { return entry.member == &member; });
  }
  QuietOne* newest() { return entries_.empty() ? nullptr : entries_.back().member; }
  bool is_empty() const { return entries_.empty(); }

 private:
  struct Entry {
    QuietOne* member;
    Milliseconds activity;
  };
  std::list<Entry> entries_;
};

/// Both kinds of queue, told the same. The loop does not turn, so its clock is ours.
class TwinQueues {
 public:
  explicit TwinQueues(Dice dice) : dice_(dice), members_(dice_.between(1, 30)) {
    queue_.set_timeout(dice_.once_in(2) ? 0ms : 1h);
  }
  TwinQueues(const TwinQueues&) = delete;
  TwinQueues& operator=(const TwinQueues&) = delete;
  ~TwinQueues() {
    for (auto& member : members_) {
      if (member.is_in) queue_.remove(member);
    }
  }

  void step() {
    let_time_pass();
    auto& member = dice_.one_of(members_);
    if (!member.is_in) {
      put_in(member);
    } else if (dice_.once_in(2)) {
      queue_.touch(member);
      plain_.remove(member);
      plain_.insert(member, loop_.now());
    } else {
      take_out(member);
    }
    expect_same_newest();
  }

  /// From the newest to the oldest.
  void expect_same_order() {
    while (!plain_.is_empty()) {
      expect_same_newest();
      take_out(*plain_.newest());
    }
    expect_same_newest();
  }

 private:
  void let_time_pass() {
    if (dice_.once_in(2)) loop_.raw()->time += dice_.below(5);
  }

  void put_in(QuietOne& member) {
    member.is_in = true;
    if (dice_.once_in(2)) {
      queue_.add(member);
      plain_.insert(member, loop_.now());
      return;
    }
    // Many at the same time: these keep the order in which they came.
    const auto activity = std::max(loop_.now() - Milliseconds(dice_.below(20)), 0ms);
    queue_.insert(member, activity);
    EXPECT_EQ(member.last_activity(), activity);
    plain_.insert(member, activity);
  }

  void take_out(QuietOne& member) {
    member.is_in = false;
    queue_.remove(member);
    plain_.remove(member);
  }

  void expect_same_newest() {
    ASSERT_EQ(queue_.is_empty(), plain_.is_empty());
    ASSERT_EQ(queue_.newest(), plain_.newest());
  }

  Dice dice_;
  Loop loop_;
  std::vector<QuietOne> members_;
  IdleQueue queue_{loop_, 1h, [](IdleNode&) { FAIL() << "nobody is due"; }};
  PlainQueue plain_;
};

TEST(IdleQueueWalk, StaysInOrderAndLosesNobody) {
  take_walks(2000, [](Dice dice) {
    TwinQueues queues(dice);
    for (int step = 0; step < 500 && !testing::Test::HasFailure(); ++step) queues.step();
    queues.expect_same_order();
  });
}

/// Members that are long due, or not for long, so that it does not matter when exactly the loop turns.
class Expiry {
 public:
  explicit Expiry(Dice dice) : dice_(dice), members_(dice_.between(1, 200)) {
    for (auto& member : members_) insert(member);
  }

  void expect_only_those_who_are_due() {
    EXPECT_TRUE(turn_until(loop_, [this] { return expired_.size() >= due_; })) << due_;
    turn(loop_);
    EXPECT_EQ(expired_.size(), due_);
    EXPECT_TRUE(std::is_sorted(expired_.begin(), expired_.end()));
    std::size_t left = 0;
    for (; queue_.newest() != nullptr; ++left) queue_.remove(*queue_.newest());
    EXPECT_EQ(left + due_, members_.size());
  }

 private:
  static constexpr auto kTimeout = 10min;

  void insert(QuietOne& member) {
    const bool is_due = dice_.once_in(2);
    const Milliseconds spread(dice_.below(1000));
    const auto activity = loop_.now() - (is_due ? kTimeout + 1s : kTimeout / 2) - spread;
    queue_.insert(member, activity);
    due_ += is_due ? 1 : 0;
  }

  Dice dice_;
  Loop loop_;
  std::vector<QuietOne> members_;
  std::vector<Milliseconds> expired_;  ///< when they were active
  std::size_t due_ = 0;
  IdleQueue queue_{loop_, kTimeout, [this](IdleNode& node) {
                     queue_.remove(node);
                     expired_.push_back(node.last_activity());
                   }};
};

TEST(IdleQueueWalk, ExpiresExactlyThoseWhoAreDueTheOldestFirst) {
  take_walks(200, [](Dice dice) { Expiry(dice).expect_only_those_who_are_due(); });
}

}  // namespace
}  // namespace tcp_echo::test
