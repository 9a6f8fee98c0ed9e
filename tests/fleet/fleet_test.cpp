// Who settles after whom: what no part of a fleet can do alone.
#include "fleet/fleet_support.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

TEST_F(FleetTest, IsUpOnceAllWorkersAreReady) {
  fleet.start();
  launcher[0].become_ready();
  EXPECT_EQ(all_ready, 0);
  EXPECT_EQ(fleet.ready_count(), 1U);
  launcher[1].become_ready();
  EXPECT_EQ(all_ready, 1);
  EXPECT_EQ(fleet.slots_with_a_past(), 2U);
  EXPECT_EQ(fleet.worker_of(1), launcher[1].pid());
  EXPECT_EQ(fleet.worker_of(9), 0);
  EXPECT_EQ(shown(1), WorkerState::kServing);
  EXPECT_EQ(served_by(1), 2U);
  EXPECT_EQ(log.lines_with("is ready"), 0U) << "one line says that of all of them";
}

TEST_F(FleetTest, FailsToStartOnce) {
  fleet.start();
  launcher[0].exit_with(3);
  EXPECT_EQ(start_failure, "");
  launcher[1].exit_with(3);
  EXPECT_NE(start_failure.find("exited with code 3"), std::string::npos);
  start_failure.clear();
  fleet.stop();
  EXPECT_EQ(all_gone, 1);
  EXPECT_EQ(start_failure, "");
}

TEST_F(FleetTest, HastensNobodyWhenTheStartHasFailed) {
  fleet.start();
  launcher[0].become_ready();
  launcher.fail_with("no more processes");
  launcher[0].exit_with(3);
  launcher[1].exit_with(3);
  clock.turn(1s);
  EXPECT_NE(start_failure, "");
  EXPECT_FALSE(log_at_failure.ends_with("already\n")) << log_at_failure;
}

TEST_F(FleetTest, RespawnsAWorkerThatDies) {
  come_up();
  launcher[0].die_from(SIGSEGV);
  EXPECT_EQ(fleet.ready_count(), 1U);
  EXPECT_EQ(fleet.worker_of(0), 0);
  EXPECT_EQ(shown(0), WorkerState::kWaiting);
  EXPECT_EQ(served_by(0), 0U);
  clock.turn(0ms);
  launcher[2].become_ready();
  EXPECT_EQ(fleet.ready_count(), 2U);
  EXPECT_EQ(all_ready, 1);
  EXPECT_EQ(log.lines_with("is ready"), 1U);
}

TEST_F(FleetTest, CountsRestartsByTheirReason) {
  come_up();
  launcher[0].die_from(SIGSEGV);
  clock.turn(0ms);
  launcher[2].exit_with(0);
  clock.turn(1s);
  clock.turn(generation->config.ready_timeout);
  launcher[3].die_from(SIGKILL);  // it was not READY in time
  launcher.fail_with("no more processes");
  clock.turn(400ms);
  EXPECT_EQ(restarts(0, RestartReason::kCrash), 1U);
  EXPECT_EQ(restarts(0, RestartReason::kExit), 1U);
  EXPECT_EQ(restarts(0, RestartReason::kLate), 1U);
  EXPECT_EQ(restarts(0, RestartReason::kNoStart), 1U);
  EXPECT_EQ(restarts(0, RestartReason::kHung) + restarts(0, RestartReason::kRequested), 0U);
}

TEST_F(FleetTest, LendsTheListenersOfASlotThatStaysEmpty) {
  come_up();
  launcher[0].die_from(SIGSEGV);
  clock.turn(0ms);
  launcher[2].exit_with(3);
  clock.turn(100ms);
  launcher[3].exit_with(3);
  EXPECT_EQ(launcher[1].last<LendMessage>().slot, 1U);
  EXPECT_EQ(served_by(0), 2U);
  clock.turn(200ms);
  launcher[4].become_ready();
  EXPECT_EQ(launcher[1].last<TakeBackMessage>().slot, 1U);
  EXPECT_EQ(served_by(0), 1U);
}

TEST_F(FleetTest, LendsToAnotherWorkerWhenTheBorrowerDies) {
  come_up();
  launcher.fail_with("no more processes");
  launcher[0].die_from(SIGSEGV);
  clock.turn(1s);
  ASSERT_TRUE(launcher[1].was_told<LendMessage>());
  launcher[1].die_from(SIGSEGV);
  launcher.fail_with(std::nullopt);
  clock.turn(10s);
  ASSERT_GE(launcher.count(), 3U);
  launcher[2].become_ready();
  EXPECT_TRUE(launcher[2].was_told<LendMessage>());
}

TEST_F(FleetTest, DoesNotWaitForTheWholeBackoffWhileNobodyServes) {
  come_up();
  launcher.fail_with("no more processes");
  launcher[0].die_from(SIGSEGV);
  clock.turn(1min);
  launcher[1].die_from(SIGSEGV);
  launcher.fail_with(std::nullopt);
  clock.turn(0ms);
  EXPECT_EQ(launcher.count(), 3U) << "the one that had served, at once";
  clock.turn(100ms);
  EXPECT_EQ(launcher.count(), 4U) << "and the other one soon";
  EXPECT_EQ(log.lines_with("no worker serves: starting worker 1 in 100ms already"), 1U) << log.text();
}

TEST_F(FleetTest, RenewsWorkersBesideThoseThatServe) {
  come_up();
  fleet.move(movement(next_generation(kSlots), kSlots, {0, 1}));
  EXPECT_TRUE(fleet.is_moving());
  launcher[2].become_ready();
  EXPECT_FALSE(launcher[2].was_told<AcceptMessage>());
  launcher[3].become_ready();
  EXPECT_EQ(done, std::vector<std::string>{""});
  EXPECT_TRUE(launcher[2].was_told<AcceptMessage>());
  EXPECT_TRUE(launcher[0].was_told<SuccessorMessage>());
  EXPECT_TRUE(launcher[2].was_told<PredecessorMessage>()) << "its own predecessor's connections";
  EXPECT_EQ(scoreboard.master().slots[0].generation.load(), 2U);
  EXPECT_TRUE(fleet.is_moving());
  launcher[0].exit_with(0);
  launcher[1].exit_with(0);
  EXPECT_FALSE(fleet.is_moving());
}

TEST_F(FleetTest, GoesOnAsBeforeWhenACandidateDies) {
  come_up();
  fleet.move(movement(next_generation(kSlots), kSlots, {0, 1}));
  launcher[2].become_ready();
  launcher[3].die_from(SIGSEGV);
  ASSERT_EQ(done.size(), 1U);
  EXPECT_NE(done[0].find("died from SIGSEGV"), std::string::npos);
  EXPECT_TRUE(launcher[2].was_told<StopMessage>());
  EXPECT_FALSE(fleet.is_moving());
  EXPECT_EQ(fleet.ready_count(), 2U);
  EXPECT_EQ(fleet.worker_of(0), launcher[0].pid());
}

TEST_F(FleetTest, GoesOnAsBeforeWhenTheChangeCannotBegin) {
  come_up();
  ready_to_change = failure(ExitCode::kOsError, "the address is taken");
  fleet.move(movement(next_generation(kSlots), kSlots, {0}));
  launcher[2].become_ready();
  EXPECT_EQ(done, std::vector<std::string>{"the address is taken"});
  EXPECT_FALSE(launcher[2].was_told<AcceptMessage>());
  EXPECT_TRUE(launcher[2].was_told<StopMessage>());
}

TEST_F(FleetTest, GrowsAndShrinks) {
  come_up();
  const auto grown = next_generation(3);
  fleet.move(movement(grown, 3, {2}));
  launcher[2].become_ready();
  EXPECT_EQ(fleet.ready_count(), 3U);
  fleet.move(movement(grown, 1, {}));
  EXPECT_EQ(fleet.ready_count(), 1U);
  EXPECT_EQ(done, (std::vector<std::string>{"", ""}));
  EXPECT_TRUE(launcher[2].was_told<SuccessorMessage>());
  EXPECT_EQ(launcher[0].count<LendMessage>(), 2U) << "clients may come to their listeners still";
  EXPECT_EQ(launcher[0].count<PredecessorMessage>(), 2U);
  EXPECT_EQ(shown(2), WorkerState::kRetired);
  EXPECT_EQ(served_by(2), 1U);
}

TEST_F(FleetTest, LetsAWorkerThatServesClearARemovedAddress) {
  come_up();
  auto [clears, other] = move_address();
  ASSERT_TRUE(clears.was_told<ClearMessage>());
  launcher[0].exit_with(0);
  launcher[1].exit_with(0);
  EXPECT_TRUE(fleet.is_moving()) << "the address may be wanted again";
  clears.die_from(SIGSEGV);
  ASSERT_TRUE(other.was_told<ClearMessage>());
  changes = 0;
  other.say(ClearedMessage{other.last<ClearMessage>().number});
  EXPECT_FALSE(fleet.is_moving());
  EXPECT_GT(changes, 0);
}

TEST_F(FleetTest, TellsTheMasterWhoWantsASuccessor) {
  come_up();
  launcher[1].say(LeavingMessage{});
  EXPECT_EQ(leaving, std::pair(1U, launcher[1].pid()));
}

TEST_F(FleetTest, AbortsAWorkerThatHangs) {
  auto config = generation->config;
  config.watchdog = 800ms;
  const auto watched = std::make_shared<const Generation>(Generation{1, config, generation->listeners});
  Fleet other(clock, scoreboard, launcher, watched, 1, handlers());
  other.start();
  launcher.last().become_ready();
  clock.turn(2s);
  EXPECT_TRUE(launcher.last().was_sent(SIGABRT));
  EXPECT_EQ(shown(0), WorkerState::kHung);
  EXPECT_EQ(scoreboard.master().events.read().back().kind, EventKind::kHung);
  launcher.last().die_from(SIGABRT);
  EXPECT_EQ(restarts(0, RestartReason::kHung), 1U);
}

TEST_F(FleetTest, LooksForHangsWithoutSettlingWhatIsTriedAgainInItsOwnTime) {
  auto config = generation->config;
  config.watchdog = 200ms;
  const auto watched = std::make_shared<const Generation>(Generation{1, config, generation->listeners});
  Fleet other(clock, scoreboard, launcher, watched, kSlots, handlers());
  other.start();
  for (const auto i : {0U, 1U}) launcher[i].become_ready();
  launcher[0].be_deaf(true);
  other.move(movement(watched, 1, {}));
  const auto lines_before = log.lines_with("cannot be lent");
  for (int i = 0; i < 100; ++i) {
    for (const auto block : {0U, 1U}) scoreboard.block(block).heartbeats.add(1);
    clock.turn(10ms);
  }
  EXPECT_EQ(log.lines_with("cannot be lent") - lines_before, 5U) << "every 200 ms, as the line says";
}

TEST_F(FleetTest, IsGoneWhenEveryWorkerHasDrained) {
  come_up();
  fleet.drain();
  for (const auto i : {0U, 1U}) {
    EXPECT_TRUE(launcher[i].was_told<DrainMessage>());
    launcher[i].say(EmptiedMessage{});
  }
  launcher[0].exit_with(0);
  EXPECT_EQ(all_gone, 0);
  launcher[1].exit_with(0);
  EXPECT_EQ(all_gone, 1);
  EXPECT_EQ(launcher.count(), 2U);
}

TEST_F(FleetTest, GivesADeadWorkersQueueToAnotherOneWhileItDrains) {
  come_up();
  fleet.move(movement(next_generation(kSlots), 1, {}));
  launcher[1].exit_with(0);
  ASSERT_TRUE(launcher[0].was_told<LendMessage>());
  fleet.drain();
  launcher[0].die_from(SIGSEGV);  // it was to empty its own queue, and the other slot's
  auto& next = launcher.last();
  EXPECT_EQ(next.number(), 1U);
  EXPECT_EQ(next.last<LendMessage>().slot, 2U);
  EXPECT_TRUE(next.was_told<DrainMessage>());
  next.die_from(SIGSEGV);
  EXPECT_EQ(launcher.last().number(), 2U) << "the other slot's turn";
  launcher.last().say(EmptiedMessage{});
  launcher.last().exit_with(0);
  EXPECT_EQ(all_gone, 1);
}

TEST_F(FleetTest, TriesEachSlotOnceWhenNoWorkerCanTakeAnothersQueue) {
  come_up();
  fleet.drain();
  launcher[0].die_from(SIGSEGV);
  launcher[2].die_from(SIGSEGV);  // its successor; now its queue is nobody's
  launcher[1].say(EmptiedMessage{});
  launcher[1].exit_with(0);
  std::size_t rounds = 0;
  while (launcher.last().runs() && ++rounds < 10) {
    launcher.last().say(RefuseLoanMessage{1});
    launcher.last().say(EmptiedMessage{});
    launcher.last().exit_with(0);
  }
  EXPECT_EQ(launcher.count(), 4U);
  EXPECT_EQ(all_gone, 1);
}

TEST_F(FleetTest, StartsOneWorkerAtATimeForQueuesThatAreNobodys) {
  const auto grown = next_generation(6);
  come_up();
  fleet.move(movement(grown, 6, {2, 3, 4, 5}));
  for (const auto i : {2U, 3U, 4U, 5U}) launcher[i].become_ready();
  fleet.move(movement(grown, 1, {}));
  for (const auto i : {1U, 2U, 3U, 4U, 5U}) launcher[i].exit_with(0);
  fleet.drain();
  launcher.start_deaf_ones(true);
  launcher[0].die_from(SIGKILL);
  EXPECT_EQ(launcher.count(), 7U) << "it may be able to take them all";
  launcher.last().become_ready();
  EXPECT_EQ(launcher.count(), 8U) << "it was not";
}

TEST_F(FleetTest, GivesAClearingToAWorkerThatStillServesWhenItDrains) {
  come_up();
  auto [refuses, other] = move_address();
  refuses.say(RefuseClearMessage{refuses.last<ClearMessage>().number});
  fleet.drain();
  EXPECT_TRUE(other.was_told<ClearMessage>());
}

TEST_F(FleetTest, StopsAMovementWithTheService) {
  come_up();
  fleet.move(movement(next_generation(kSlots), kSlots, {0, 1}));
  fleet.stop();
  EXPECT_EQ(done, std::vector<std::string>{"the service stops"});
  for (const auto i : {0U, 1U, 2U, 3U}) {
    EXPECT_TRUE(launcher[i].was_told<StopMessage>());
    launcher[i].exit_with(0);
  }
  EXPECT_EQ(all_gone, 1);
}

TEST_F(FleetTest, GoesOnInAnotherProgram) {
  come_up();
  launcher[1].say(LeavingMessage{});
  const auto record = fleet.record();
  Fleet heir(clock, scoreboard, launcher, generation, kSlots, handlers());
  all_ready = 0;
  heir.restore(record);
  EXPECT_EQ(all_ready, 0) << "it was up before";
  EXPECT_EQ(heir.ready_count(), 2U);
  EXPECT_EQ(heir.record(), record);
  EXPECT_EQ(served_by(1), 2U);
  launcher.last().die_from(SIGSEGV);
  clock.turn(0ms);
  EXPECT_EQ(heir.ready_count(), 1U);
  EXPECT_EQ(launcher.last().number(), 2U);
}

TEST_F(FleetTest, KeepsWhatHasHappenedToItsWorkers) {
  come_up();
  launcher[0].die_from(SIGSEGV);
  clock.turn(0ms);
  launcher[2].become_ready();
  launcher[1].say(LimitMessage{static_cast<std::uint8_t>(AcceptError::kConnections), 7});
  launcher[1].say(LimitMessage{200, 7});
  const auto events = scoreboard.master().events.read();
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(events[0].kind, EventKind::kCrashed);
  EXPECT_NE(events[0].text.find("died from SIGSEGV after 0.0 s; starting another at once"), std::string::npos)
      << events[0].text;
  EXPECT_EQ(events[1].kind, EventKind::kRespawned);
  EXPECT_EQ(events[2].kind, EventKind::kLimitReached);
  EXPECT_NE(
      events[2].text.find("has paused accepting with 7 connections open: --worker-connections is reached"),
      std::string::npos)
      << events[2].text;
  EXPECT_EQ(events[3].kind, EventKind::kLimitReached);
}

TEST_F(FleetTest, TellsEveryProcessWhereToLog) {
  come_up();
  fleet.move(movement(next_generation(kSlots), kSlots, {0}));
  fleet.change_log(1, LogLevel::kDebug);
  for (const auto i : {0U, 1U, 2U}) EXPECT_TRUE(launcher[i].was_told<LogMessage>());
  launcher[2].become_ready();
  fleet.change_log(1, LogLevel::kDebug);
  EXPECT_EQ(launcher[0].count<LogMessage>(), 2U) << "it leaves";
}

}  // namespace
}  // namespace tcp_echo::test
