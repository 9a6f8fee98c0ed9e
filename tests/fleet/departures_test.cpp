#include "fleet/departures.hpp"

#include "support/household.hpp"
#include "tcp_echo/process/patience.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

struct DeparturesTest : HouseholdTest {
  /// One that had the place of that slot, and was ready.
  FakeProcess& let_leave(unsigned slot) {
    auto worker = start(slot);
    worker->note_ready();
    departures.add(slot, std::move(worker));
    return launcher.last();
  }
  LeaverStage stage() const { return departures.record().at(0).stage; }

  Departures departures{household};
};

TEST_F(DeparturesTest, HandOverToTheWorkerOfTheirOwnSlot) {
  auto& own = let_serve(1);
  auto& other = let_serve(2);
  auto& leaver = let_leave(1);
  EXPECT_TRUE(departures.is_moving());
  EXPECT_FALSE(leaver.was_told<SuccessorMessage>()) << "its successors may not have their places yet";
  departures.hand_over();
  EXPECT_TRUE(leaver.was_told<SuccessorMessage>());
  EXPECT_EQ(leaver.last_descriptors(), 1U);
  EXPECT_TRUE(own.was_told<PredecessorMessage>());
  EXPECT_FALSE(other.was_told<PredecessorMessage>());
  departures.hand_over();
  EXPECT_EQ(leaver.count<SuccessorMessage>(), 1U) << "one successor at a time";
}

TEST_F(DeparturesTest, OfSlotsThatAreNeededNoMoreHandOverToOthers) {
  auto& other = let_serve(2);
  auto& leaver = let_leave(0);
  departures.hand_over();
  EXPECT_TRUE(leaver.was_told<SuccessorMessage>());
  EXPECT_TRUE(other.was_told<PredecessorMessage>());
}

TEST_F(DeparturesTest, GoOnWithTheNextOneWhenTheirSuccessorIsLost) {
  auto& own = let_serve(1);
  auto& other = let_serve(2);
  auto& leaver = let_leave(1);
  departures.hand_over();
  leaver.say(StrandedMessage{});
  clock.turn(50ms);
  EXPECT_EQ(leaver.count<SuccessorMessage>(), 2U);
  EXPECT_EQ(own.count<PredecessorMessage>(), 1U);
  EXPECT_EQ(other.count<PredecessorMessage>(), 1U);
  leaver.say(StrandedMessage{});
  clock.turn(50ms);
  EXPECT_EQ(own.count<PredecessorMessage>(), 2U) << "after the others it is its turn again";
}

TEST_F(DeparturesTest, WaitForSomebodyWhoServes) {
  auto& leaver = let_leave(1);
  departures.hand_over();
  clock.turn(500ms);
  EXPECT_FALSE(leaver.was_told<SuccessorMessage>());
  let_serve(2);
  clock.turn(50ms);
  EXPECT_TRUE(leaver.was_told<SuccessorMessage>());
}

TEST_F(DeparturesTest, TryTheNextOneWhenASuccessorCannotBeTold) {
  let_serve(1).be_deaf(true);
  auto& other = let_serve(2);
  auto& leaver = let_leave(1);
  departures.hand_over();
  EXPECT_FALSE(leaver.was_told<SuccessorMessage>());
  clock.turn(50ms);
  EXPECT_TRUE(leaver.was_told<SuccessorMessage>());
  EXPECT_TRUE(other.was_told<PredecessorMessage>());
}

TEST_F(DeparturesTest, StayAndServeOnWhenNobodyHasRoom) {
  let_serve(1);
  auto& leaver = let_leave(1);
  scoreboard.block(1).accepted.add(3);
  departures.hand_over();
  settled = 0;
  clock.turn(3s);
  EXPECT_EQ(stage(), LeaverStage::kStuck);
  EXPECT_FALSE(departures.is_moving()) << "jobs need not wait for it";
  EXPECT_GT(settled, 0);
  EXPECT_TRUE(leaver.was_told<LetGoMessage>()) << "its addresses may be removed";
  EXPECT_EQ(log.lines_with("still has 3 connections after 3s"), 1U) << log.text();
  leaver.say(StrandedMessage{});
  const auto tries = leaver.count<SuccessorMessage>();
  clock.turn(999ms);
  EXPECT_EQ(leaver.count<SuccessorMessage>(), tries);
  clock.turn(1ms);
  EXPECT_EQ(leaver.count<SuccessorMessage>(), tries + 1);
}

TEST_F(DeparturesTest, ThatWereNeverReadyAreStoppedAfterThatTime) {
  departures.add(1, start(1));
  clock.turn(3s);
  EXPECT_TRUE(launcher.last().was_told<StopMessage>());
  EXPECT_EQ(stage(), LeaverStage::kDying);
}

TEST_F(DeparturesTest, BecomeReadyWhileTheyLeave) {
  departures.add(1, start(1));
  launcher.last().become_ready();
  clock.turn(3s);
  EXPECT_EQ(stage(), LeaverStage::kStuck);
}

TEST_F(DeparturesTest, OfAnotherVersionLetTheirConnectionsEnd) {
  let_serve(1);
  auto& leaver = let_leave(1);
  leaver.speak_another_version();
  departures.hand_over();
  EXPECT_EQ(stage(), LeaverStage::kDraining);
  EXPECT_TRUE(leaver.was_hung_up_on());
  EXPECT_EQ(log.lines_with("its connections end as they fall quiet, within 10s"), 1U) << log.text();
}

TEST_F(DeparturesTest, DrainWhenTheServiceEndsAndAreStoppedAndKilledIfTheyDoNot) {
  auto& leaver = let_leave(1);
  departures.drain();
  EXPECT_EQ(leaver.last<DrainMessage>().milliseconds, 10'000U);
  departures.drain();
  EXPECT_EQ(leaver.count<DrainMessage>(), 1U);
  departures.hand_over();
  leaver.say(StrandedMessage{});
  clock.turn(10s);
  EXPECT_FALSE(leaver.was_told<SuccessorMessage>());
  EXPECT_FALSE(leaver.was_told<StopMessage>());
  clock.turn(kGraceAfterDeadline);
  EXPECT_TRUE(leaver.was_told<StopMessage>());
  EXPECT_FALSE(leaver.was_sent(SIGKILL));
  clock.turn(kPatience);
  EXPECT_TRUE(leaver.was_sent(SIGKILL));
}

TEST_F(DeparturesTest, AreStoppedOnce) {
  auto& leaver = let_leave(1);
  departures.stop();
  departures.stop();
  EXPECT_EQ(leaver.count<StopMessage>(), 1U);
  departures.drain();
  EXPECT_FALSE(leaver.was_told<DrainMessage>());
}

TEST_F(DeparturesTest, ThatHangAreAborted) {
  crew.generation().config.watchdog = 800ms;
  auto& leaver = let_leave(1);
  departures.abort_hung(100ms);
  EXPECT_FALSE(leaver.was_sent(SIGABRT));
  for (int look = 0; look < 20; ++look) departures.abort_hung(100ms);
  EXPECT_EQ(stage(), LeaverStage::kDying);
  EXPECT_EQ(std::count(leaver.signals().begin(), leaver.signals().end(), SIGABRT), 1);
  clock.turn(kPatienceAfterAbort);
  EXPECT_TRUE(leaver.was_sent(SIGKILL));
}

TEST_F(DeparturesTest, WithSigabrtOnItsWayAreGivenTimeForTheirCore) {
  auto worker = start(1);
  departures.add(1, std::move(worker)).expect_death();
  clock.turn(kPatienceAfterAbort - 1ms);
  EXPECT_FALSE(launcher.last().was_sent(SIGKILL));
  clock.turn(1ms);
  EXPECT_TRUE(launcher.last().was_sent(SIGKILL));
}

TEST_F(DeparturesTest, AreBuriedWhenTheyEnd) {
  auto& first = let_leave(1);
  auto& second = let_leave(2);
  settled = 0;
  first.exit_with(0);
  EXPECT_EQ(gone, std::vector{first.pid()});
  EXPECT_EQ(settled, 1);
  EXPECT_FALSE(departures.is_empty());
  second.die_from(SIGSEGV);
  EXPECT_TRUE(departures.is_empty());
  EXPECT_EQ(log.lines_with("info: worker 2"), 1U) << log.text();
  EXPECT_EQ(log.lines_with("error: worker 3"), 1U) << log.text();
}

TEST_F(DeparturesTest, AreToldWhereToLog) {
  auto& leaver = let_leave(1);
  departures.change_log(1, {});
  EXPECT_TRUE(leaver.was_told<LogMessage>());
}

struct EveryStage : DeparturesTest, ::testing::WithParamInterface<LeaverStage> {};

TEST_P(EveryStage, GoesOnInAnotherProgram) {
  let_serve(1);
  ChildRecord record{.pid = 77, .block = 9, .protocol = 1};
  record.ready_at = 1ms;
  departures.restore({{1, GetParam(), record}});
  auto& leaver = launcher.last();
  EXPECT_EQ(departures.record().at(0).stage, GetParam());
  EXPECT_EQ(departures.record().at(0).slot, 1U);
  clock.turn(2s);
  switch (GetParam()) {
    case LeaverStage::kMoving:
    case LeaverStage::kStuck: EXPECT_TRUE(leaver.was_told<SuccessorMessage>()); break;
    case LeaverStage::kDraining: EXPECT_TRUE(leaver.was_told<DrainMessage>()); break;
    case LeaverStage::kDying: EXPECT_TRUE(leaver.was_sent(SIGKILL)); break;
  }
}

INSTANTIATE_TEST_SUITE_P(Departures, EveryStage, ::testing::ValuesIn(kLeaverStages),
                         [](const auto& row) { return std::string(name_of(row.param)); });

}  // namespace
}  // namespace tcp_echo::test
