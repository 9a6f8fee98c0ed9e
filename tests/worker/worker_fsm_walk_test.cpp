// Random events against a worker's life: it always has an end, and never two that accept for long.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "support/dice.hpp"
#include "worker/worker_fsm.hpp"

namespace tcp_echo::test {
namespace {

using Phase = WorkerPhase;
using Event = WorkerEvent;
using Action = WorkerAction;

/// A worker as far as its acceptors and its deadline go: what the actions of its table make of them.
class SmallWorker {
 public:
  Phase phase() const { return phase_; }
  bool accepts() const { return accepts_; }
  bool has_left() const { return left_; }
  bool has_deadline() const { return deadline_; }

  void handle(Event event) {
    const auto before = phase_;
    is_done_ = event == Event::kDone;
    if (is_cut_off_ && is_from_the_master(event)) return;  // it cannot hear it any more
    const auto [phase, action] = step(phase_, event);
    phase_ = phase;
    act(action, before);
    expect_sense();
  }

 private:
  void act(Action action, Phase before) {
    switch (action) {
      case Action::kNone: return;
      case Action::kServe:
        EXPECT_EQ(before, Phase::kConfiguring) << "a worker is configured once";
        accepts_ = true;
        return;
      case Action::kAskForSuccessor:
        EXPECT_FALSE(asked_) << "one successor is enough";
        asked_ = true;
        return;
      case Action::kHold: is_cut_off_ = true; return;
      case Action::kMoveOut: accepts_ = false; return;
      case Action::kRetire:
        accepts_ = false;
        deadline_ = true;
        return;
      case Action::kDrain:
      case Action::kDrainAlone:
        accepts_ = true;  // whoever waits in the queues
        deadline_ = true;
        return;
      case Action::kCloseAll:
        accepts_ = false;
        closed_ = true;
        return;
      case Action::kLeave:
        // Whatever was open then would be closed by the kernel in the middle of its stream.
        EXPECT_TRUE(closed_ || is_done_ || before == Phase::kConfiguring);
        left_ = true;
        return;
    }
  }

  void expect_sense() const {
    const bool may_accept =
        phase_ == Phase::kServing || phase_ == Phase::kAsking || phase_ == Phase::kDraining;
    EXPECT_EQ(accepts_ && !left_ && phase_ != Phase::kLeaving, may_accept) << static_cast<int>(phase_);
    if (phase_ == Phase::kDraining || phase_ == Phase::kRetiring) {
      EXPECT_TRUE(deadline_) << "it might wait for its clients for ever";
    }
    if (phase_ == Phase::kAsking) {
      EXPECT_TRUE(asked_) << "nobody would know that it waits for a successor";
    }
  }

  static bool is_from_the_master(Event event) {
    return event == Event::kConfigured || event == Event::kSuccessor || event == Event::kDrainAsked;
  }

  Phase phase_ = Phase::kConfiguring;
  bool accepts_ = false;
  bool asked_ = false;
  bool deadline_ = false;
  bool closed_ = false;
  bool is_cut_off_ = false;
  bool left_ = false;
  bool is_done_ = false;  ///< the last connection has gone, and that is what this event says
};

void take_a_random_step(SmallWorker& worker, Dice& dice) {
  const auto event = dice.one_of(kWorkerEvents);
  if (event == Event::kDeadline && !worker.has_deadline()) return;  // it has no such timer
  worker.handle(event);
}

TEST(WorkerFsmWalk, AWorkerAcceptsOnlyWhileItShouldAndLeavesNothingOpen) {
  take_walks(100'000, [](Dice dice) {
    SmallWorker worker;
    for (int step = 0; step < 20 && !worker.has_left(); ++step) take_a_random_step(worker, dice);
  });
}

TEST(WorkerFsmWalk, FromEveryPhaseAStopIsTheEnd) {
  take_walks(100'000, [](Dice dice) {
    SmallWorker worker;
    for (auto steps = dice.below(20); steps > 0 && !worker.has_left(); --steps)
      take_a_random_step(worker, dice);
    constexpr std::array kEnds = {Event::kStopAsked, Event::kOrphaned};
    worker.handle(dice.one_of(kEnds));
    if (worker.phase() != Phase::kLeaving) worker.handle(Event::kDeadline);
    ASSERT_EQ(worker.phase(), Phase::kLeaving);
    if (worker.has_left()) return;
    worker.handle(Event::kDone);
    ASSERT_TRUE(worker.has_left());
  });
}

}  // namespace
}  // namespace tcp_echo::test
