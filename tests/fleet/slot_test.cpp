#include "fleet/slot.hpp"

#include "support/household.hpp"
#include "tcp_echo/process/patience.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

struct SlotTest : HouseholdTest, private Slot::Host {
  void serve() {
    slot.handle(SlotEvent::kStart);
    process().become_ready();
  }
  /// The slot's last worker.
  FakeProcess& process() { return launcher.last(); }
  std::string name() const { return slot.worker()->name(); }
  /// A worker that can take the place.
  void prepare_candidate(bool is_leaving = false) { candidate = {start(1), is_leaving}; }

  Lending lending{clock, crew};
  Ending ending{clock, lending, clearings};
  Candidate candidate;
  std::vector<std::unique_ptr<Child>> left;
  bool last_was_dying = false;
  bool may_start = true;
  int served = 0;
  int wants_successor = 0;
  int scheduled = 0;
  std::uint32_t refused = 0;
  SlotState seen = SlotState::kEmpty;
  Slot slot{household, ending, *this, 1};

 private:
  void on_step(const Slot& stepped) override { seen = stepped.state(); }
  void on_served(const Slot& /*slot*/) override { ++served; }
  void on_leaving(const Slot& /*slot*/) override { ++wants_successor; }
  Candidate take_candidate(const Slot& /*slot*/) override { return std::move(candidate); }
  void let_leave(const Slot& /*slot*/, std::unique_ptr<Child> worker, bool is_dying) override {
    last_was_dying = is_dying;
    if (worker != nullptr) left.push_back(std::move(worker));
  }
  bool may_try_again(const Slot& /*slot*/, const Death& /*death*/) override { return may_start; }
  void on_spawn_scheduled() override { ++scheduled; }
  void on_refused_loan(const Slot& /*slot*/, const RefuseLoanMessage& message) override {
    refused = message.slot;
  }
};

TEST_F(SlotTest, ServesOnceItsWorkerIsReady) {
  EXPECT_EQ(slot.worker(), nullptr);
  slot.handle(SlotEvent::kStart);
  EXPECT_EQ(slot.state(), SlotState::kStarting);
  EXPECT_EQ(slot.serving(), nullptr);
  EXPECT_EQ(process().number(), 2U);
  process().become_ready();
  EXPECT_EQ(slot.serving(), slot.worker());
  EXPECT_TRUE(slot.worker()->was_ready());
  EXPECT_EQ(served, 1);
  EXPECT_EQ(seen, SlotState::kServing);
  clock.turn(1min);
  EXPECT_TRUE(process().signals().empty());
}

TEST_F(SlotTest, KillsAWorkerThatIsLateAndKeepsToThat) {
  slot.handle(SlotEvent::kStart);
  clock.turn(10s + kSecondLook);
  EXPECT_EQ(process().signals(), std::vector{SIGKILL});
  EXPECT_EQ(log.lines_with("is not ready after 10s (--ready-timeout); killing it"), 1U);
  process().become_ready();
  EXPECT_EQ(slot.state(), SlotState::kHung) << "it comes too late";
  EXPECT_EQ(served, 0);
}

TEST_F(SlotTest, StartsAnotherAtOnceWhenAWorkerThatHadServedDies) {
  serve();
  const auto former = process().pid();
  process().die_from(SIGSEGV);
  EXPECT_EQ(slot.state(), SlotState::kWaiting);
  EXPECT_EQ(slot.spawn_due_in(), 0ms);
  EXPECT_EQ(scheduled, 1);
  clock.turn(0ms);
  EXPECT_EQ(slot.state(), SlotState::kStarting);
  EXPECT_NE(process().pid(), former);
  EXPECT_EQ(log.lines_with("error: worker 2 (pid " + std::to_string(former) +
                           ") died from SIGSEGV after 0.0 s; starting another at once"),
            1U)
      << log.text();
}

TEST_F(SlotTest, WaitsLongerAfterEachFailureUntilOneServesWell) {
  slot.handle(SlotEvent::kStart);
  for (const auto wait : {100ms, 200ms, 400ms}) {
    process().exit_with(3);
    EXPECT_EQ(slot.spawn_due_in(), wait);
    clock.turn(wait);
  }
  EXPECT_EQ(slot.failures_in_a_row(), 3U);
  EXPECT_EQ(log.lines_with("starting another in 400ms (3rd failure in a row)"), 1U) << log.text();
  process().become_ready();
  clock.turn(1min);
  process().exit_with(3);
  EXPECT_EQ(slot.spawn_due_in(), 0ms);
}

TEST_F(SlotTest, CountsAProcessThatCannotBeStartedAsAFailure) {
  launcher.fail_with("no more processes");
  slot.handle(SlotEvent::kStart);
  EXPECT_EQ(slot.state(), SlotState::kWaiting);
  EXPECT_EQ(log.lines_with("worker 2 cannot be started: no more processes; starting another in 100ms"), 1U)
      << log.text();
  launcher.fail_with(std::nullopt);
  clock.turn(100ms);
  EXPECT_EQ(slot.state(), SlotState::kStarting);
}

TEST_F(SlotTest, StartsNobodyWhenTheServiceCannotStart) {
  may_start = false;
  slot.handle(SlotEvent::kStart);
  process().exit_with(3);
  EXPECT_EQ(slot.spawn_due_in(), std::nullopt);
  EXPECT_EQ(scheduled, 0);
  EXPECT_EQ(slot.failures_in_a_row(), 1U);
}

TEST_F(SlotTest, IsStartedSoonerIfItIsHastened) {
  slot.handle(SlotEvent::kStart);
  for (int i = 0; i < 4; ++i) {
    process().exit_with(3);
    clock.turn_to_next();
    if (slot.state() == SlotState::kWaiting) clock.turn(*slot.spawn_due_in());
  }
  process().exit_with(3);
  ASSERT_GT(slot.spawn_due_in(), 100ms);
  slot.hasten(100ms);
  clock.turn(100ms);
  EXPECT_EQ(slot.state(), SlotState::kStarting);
}

TEST_F(SlotTest, NeedsABorrowerAtOnceIfTheNextWorkerIsNotDueSoon) {
  slot.handle(SlotEvent::kStart);
  process().exit_with(3);
  clock.turn(100ms);
  process().exit_with(3);
  EXPECT_TRUE(slot.needs_borrower()) << "200ms";
  clock.turn(200ms);
  process().become_ready();
  EXPECT_FALSE(slot.needs_borrower());
}

TEST_F(SlotTest, NeedsABorrowerIfItsWorkerTakesLongToBecomeReady) {
  slot.handle(SlotEvent::kStart);
  settled = 0;
  clock.turn(200ms);
  EXPECT_FALSE(slot.needs_borrower());
  clock.turn(kSecondLook);
  EXPECT_TRUE(slot.needs_borrower());
  EXPECT_EQ(settled, 1) << "somebody has to see to it";
}

TEST_F(SlotTest, AbortsAWorkerThatHangsAndKillsItLater) {
  crew.generation().config.watchdog = 800ms;
  serve();
  for (int look = 0; look < 20; ++look) slot.look_for_hang(100ms);
  EXPECT_EQ(slot.state(), SlotState::kHung);
  EXPECT_TRUE(slot.needs_borrower()) << "it accepts for nobody";
  EXPECT_EQ(process().signals(), (std::vector{SIGABRT, SIGCONT})) << "once";
  clock.turn(kPatienceAfterAbort);
  EXPECT_TRUE(process().was_sent(SIGKILL));
  process().die_from(SIGKILL);
  EXPECT_EQ(slot.state(), SlotState::kWaiting);
}

TEST_F(SlotTest, LooksForHangsOnlyOnceAWorkerIsReady) {
  crew.generation().config.watchdog = 800ms;
  slot.look_for_hang(100ms);
  slot.handle(SlotEvent::kStart);
  for (int look = 0; look < 20; ++look) slot.look_for_hang(100ms);
  EXPECT_EQ(slot.state(), SlotState::kStarting);
}

TEST_F(SlotTest, AsksForASuccessorOfAWorkerThatWantsToLeave) {
  serve();
  process().say(LeavingMessage{});
  EXPECT_EQ(wants_successor, 1);
  EXPECT_EQ(slot.state(), SlotState::kServing);
}

TEST_F(SlotTest, GivesItsPlaceToACandidate) {
  serve();
  auto* const former = slot.worker();
  prepare_candidate();
  slot.handle(SlotEvent::kSucceeded);
  EXPECT_TRUE(process().was_told<AcceptMessage>());
  EXPECT_EQ(slot.serving()->pid(), process().pid());
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].get(), former);
  EXPECT_FALSE(last_was_dying);
  EXPECT_EQ(wants_successor, 0);
  process().say(LeavingMessage{});
  EXPECT_EQ(wants_successor, 1) << "it reports to the slot now";
}

TEST_F(SlotTest, AsksAgainForACandidateThatWasToldToLeave) {
  prepare_candidate(true);
  slot.handle(SlotEvent::kSucceeded);
  EXPECT_TRUE(left.empty());
  EXPECT_EQ(wants_successor, 1);
}

TEST_F(SlotTest, KillsACandidateThatCannotBeToldToAccept) {
  prepare_candidate();
  process().be_deaf(true);
  slot.handle(SlotEvent::kSucceeded);
  EXPECT_EQ(process().signals(), std::vector{SIGKILL}) << "it would wait for ACCEPT for ever";
  EXPECT_EQ(log.lines_with("cannot be told to accept: it does not listen; killing it"), 1U);
}

TEST_F(SlotTest, ForgetsWhatWasUnderWayForTheFormerWorker) {
  slot.handle(SlotEvent::kStart);
  clock.turn(300ms);
  EXPECT_TRUE(slot.needs_borrower());
  prepare_candidate();
  slot.handle(SlotEvent::kSucceeded);
  EXPECT_FALSE(slot.needs_borrower());
  clock.turn(1min);
  EXPECT_TRUE(process().signals().empty()) << "it is not late";
}

TEST_F(SlotTest, LetsAHangingWorkerDieBesideItsSuccessor) {
  crew.generation().config.watchdog = 800ms;
  serve();
  for (int look = 0; look < 20; ++look) slot.look_for_hang(100ms);
  prepare_candidate();
  slot.handle(SlotEvent::kSucceeded);
  EXPECT_TRUE(last_was_dying);
  clock.turn(1min);
  EXPECT_TRUE(process().signals().empty()) << "that is the successor";
}

TEST_F(SlotTest, ThatIsNeededNoMoreNeedsABorrowerUntilItIsNeededAgain) {
  serve();
  slot.handle(SlotEvent::kDismissed);
  EXPECT_EQ(slot.state(), SlotState::kRetired);
  EXPECT_EQ(slot.worker(), nullptr);
  EXPECT_EQ(left.size(), 1U);
  EXPECT_TRUE(slot.needs_borrower());
  prepare_candidate();
  slot.handle(SlotEvent::kSucceeded);
  EXPECT_FALSE(slot.needs_borrower());
}

TEST_F(SlotTest, KillsAWorkerThatSaysWhatItCannotHaveToSay) {
  serve();
  process().say(StrandedMessage{});
  EXPECT_EQ(process().signals(), std::vector{SIGKILL});
  EXPECT_EQ(log.lines_with("says that it has lost its successor, and never had one; killing it"), 1U);
}

TEST_F(SlotTest, PassesOnWhatConcernsOthers) {
  serve();
  process().say(RefuseLoanMessage{3});
  EXPECT_EQ(refused, 3U);
  process().say(ClearedMessage{1});
  EXPECT_TRUE(process().signals().empty());
}

TEST_F(SlotTest, DrainsWithTheTimeThatIsLeft) {
  serve();
  ending.begin(7s);
  clock.turn(2s);
  slot.handle(SlotEvent::kDrain);
  EXPECT_EQ(process().last<DrainMessage>().milliseconds, 5000U);
  EXPECT_EQ(slot.state(), SlotState::kEmptying);
  process().say(EmptiedMessage{});
  EXPECT_EQ(slot.state(), SlotState::kStopping);
  process().exit_with(0);
  EXPECT_EQ(slot.state(), SlotState::kGone);
  EXPECT_EQ(log.lines_with("info: worker 2"), 1U) << log.text();
}

TEST_F(SlotTest, StartsAnotherToDrainWhenItsWorkerDiesBeforeItIsThrough) {
  serve();
  ending.begin(7s);
  slot.handle(SlotEvent::kDrain);
  process().die_from(SIGSEGV);
  EXPECT_EQ(slot.state(), SlotState::kEmptyingAgain);
  EXPECT_EQ(launcher.count(), 2U);
  EXPECT_TRUE(process().was_told<DrainMessage>());
  process().die_from(SIGSEGV);
  EXPECT_EQ(slot.state(), SlotState::kSpent) << "once is enough";
  EXPECT_EQ(launcher.count(), 2U);
}

TEST_F(SlotTest, StartsNobodyToDrainWhenTheTimeIsOver) {
  serve();
  ending.begin(7s);
  slot.handle(SlotEvent::kDrain);
  clock.turn(7s);
  process().die_from(SIGSEGV);
  EXPECT_EQ(slot.state(), SlotState::kSpent);
  EXPECT_EQ(launcher.count(), 1U);
}

TEST_F(SlotTest, SaysWhenNobodyCanBeStartedToDrain) {
  serve();
  ending.begin(7s);
  slot.handle(SlotEvent::kDrain);
  launcher.fail_with("no more processes");
  process().die_from(SIGSEGV);
  EXPECT_EQ(slot.state(), SlotState::kSpent);
  EXPECT_EQ(log.lines_with("no more processes; clients that wait for it may be lost"), 1U) << log.text();
}

TEST_F(SlotTest, StopsAtOnceAndKillsAWorkerThatDoesNot) {
  serve();
  slot.handle(SlotEvent::kStop);
  EXPECT_TRUE(process().was_told<StopMessage>());
  clock.turn(kPatience - 1ms);
  slot.handle(SlotEvent::kStop);  // asking again must not put the kill off
  clock.turn(1ms);
  EXPECT_EQ(process().signals(), std::vector{SIGKILL});
  EXPECT_EQ(log.lines_with("was to end and has not; killing it"), 1U);
  process().die_from(SIGKILL);
  EXPECT_EQ(slot.state(), SlotState::kGone);
}

TEST_F(SlotTest, StoppedWhileItWaitsStartsNobody) {
  slot.handle(SlotEvent::kStart);
  process().exit_with(3);
  slot.handle(SlotEvent::kStop);
  EXPECT_EQ(slot.state(), SlotState::kGone);
  clock.turn(1min);
  EXPECT_EQ(launcher.count(), 1U);
}

struct EveryState : SlotTest, ::testing::WithParamInterface<SlotState> {
  static bool has_worker(SlotState state) {
    return state == SlotState::kStarting || state == SlotState::kServing || state == SlotState::kHung;
  }
};

/// Those that a master can be in that is about to be replaced.
TEST_P(EveryState, GoesOnInAnotherProgram) {
  SlotRecord record{GetParam(), std::nullopt, GetParam() == SlotState::kRetired, std::nullopt};
  if (has_worker(GetParam())) record.worker = ChildRecord{.pid = 77, .block = 9, .protocol = 1};
  slot.restore(record);
  EXPECT_EQ(slot.state(), GetParam());
  EXPECT_EQ(seen, GetParam());
  EXPECT_EQ(slot.needs_borrower(), record.needs_borrower);
  EXPECT_EQ(slot.record(2).state, GetParam());
  EXPECT_EQ(slot.record(2).borrower, 2U);
  EXPECT_EQ(slot.record(2).worker.has_value(), record.worker.has_value());
  clock.turn(11s);
  switch (GetParam()) {
    case SlotState::kWaiting: EXPECT_EQ(process().number(), 2U) << "another one was started"; break;
    case SlotState::kStarting:
    case SlotState::kHung: EXPECT_TRUE(process().was_sent(SIGKILL)); break;
    case SlotState::kServing: EXPECT_TRUE(process().signals().empty()); break;
    default: EXPECT_EQ(launcher.count(), 0U);
  }
}

INSTANTIATE_TEST_SUITE_P(Slot, EveryState,
                         ::testing::Values(SlotState::kEmpty, SlotState::kStarting, SlotState::kServing,
                                           SlotState::kHung, SlotState::kWaiting, SlotState::kRetired),
                         [](const auto& row) { return std::string(name_of(row.param)); });

TEST_F(SlotTest, WantsASuccessorForAWorkerThatDoesNotUnderstandTheNewProgram) {
  slot.restore(
      {SlotState::kServing, ChildRecord{.pid = 77, .block = 9, .protocol = 99}, false, std::nullopt});
  EXPECT_EQ(wants_successor, 1);
}

TEST_F(SlotTest, RemembersThatItNeedsABorrower) {
  slot.restore({SlotState::kWaiting, std::nullopt, true, std::nullopt});
  EXPECT_TRUE(slot.needs_borrower());
}

}  // namespace
}  // namespace tcp_echo::test
