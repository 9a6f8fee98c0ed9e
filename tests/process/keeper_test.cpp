#include "tcp_echo/process/keeper.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <memory>

#include "support/fake_children.hpp"
#include "support/hand_clock.hpp"
#include "support/log_capture.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr ChildRole kKept{"helper", "hlp", true};

struct KeeperTest : ::testing::Test, Keeper::Host {
  KeeperPlan plan(unsigned generation = 1) const {
    return {.generation = generation,
            .listeners = {listener},
            .ready_timeout = 5s,
            .watchdog = 800ms,
            .backoff = {100ms, 400ms}};
  }
  /// Started, and READY.
  FakeProcess& serving() {
    keeper.keep(plan());
    launcher.last().become_ready();
    return launcher.last();
  }
  std::string last_event() const {
    const auto noted = scoreboard.master().events.read(0);
    return noted.empty() ? "" : noted.back().text;
  }

  void introduce(Child& child) override {
    ++introduced;
    child.tell(ConfigureMessage{.configuration = "x"});
  }
  void on_beat(Child& child) override {
    ++beats;
    child.tell(HeardMessage{});
  }
  void on_failure() override { ++failures; }
  void on_left() override { ++left; }
  void on_gone() override { is_gone = true; }

  LogCapture log;
  HandClock clock;
  FakeLauncher launcher;
  Scoreboard scoreboard = value_or_throw(Scoreboard::create());
  EventLog events{scoreboard};
  std::shared_ptr<const UniqueFd> listener = std::make_shared<const UniqueFd>();
  int introduced = 0;
  int beats = 0;
  int failures = 0;
  int left = 0;
  bool is_gone = false;
  Keeper keeper{clock, launcher, events, kKept, *this};
};

TEST_F(KeeperTest, StartsAProcessWithItsListenersAndTellsItWhatToDo) {
  keeper.keep(plan());
  ASSERT_EQ(launcher.count(), 1U);
  EXPECT_EQ(launcher.last().listeners(), 1U);
  EXPECT_TRUE(launcher.last().was_told<ConfigureMessage>());
  EXPECT_EQ(listener.use_count(), 3) << "the plan has it, and the process";
}

TEST_F(KeeperTest, StartsNoneWhereNoneIsWanted) {
  auto without = plan();
  without.listeners.clear();
  keeper.keep(without);
  EXPECT_EQ(launcher.count(), 0U);
  keeper.end(1s);
  EXPECT_TRUE(is_gone);
}

TEST_F(KeeperTest, StartsAnotherWhenItHasEndedAtOnceAndThenAfterLongerAndLonger) {
  serving().die_from(SIGKILL);
  clock.turn(0ms);
  ASSERT_EQ(launcher.count(), 2U);
  EXPECT_THAT(log.text(), HasSubstr("died from SIGKILL after 0.0 s; starting another at once"));
  for (const auto delay : {100ms, 200ms, 400ms, 400ms}) {
    const auto before = launcher.count();
    launcher.last().become_ready();
    launcher.last().exit_with(3);
    clock.turn(delay - 1ms);
    EXPECT_EQ(launcher.count(), before);
    clock.turn(1ms);
    EXPECT_EQ(launcher.count(), before + 1);
  }
  EXPECT_EQ(failures, 5);
  EXPECT_THAT(log.text(), HasSubstr("starting another in 400ms (5th failure in a row)"));
}

TEST_F(KeeperTest, NotesTheFirstFailureAmongTheEventsAndNotAllThatFollow) {
  serving().die_from(SIGKILL);
  EXPECT_THAT(last_event(), HasSubstr("died from SIGKILL"));
  for (int i = 0; i < 5; ++i) {
    clock.turn(400ms);
    launcher.last().die_from(SIGSEGV);
  }
  EXPECT_EQ(scoreboard.master().events.written(), 1U);
  EXPECT_EQ(log.lines_with("error: helper process"), 6U);
}

TEST_F(KeeperTest, TriesAgainWhenNoProcessCanBeStarted) {
  launcher.fail_with("no more processes");
  keeper.keep(plan());
  EXPECT_THAT(log.text(),
              HasSubstr("no helper process can be started: no more processes; starting another in 100ms"));
  launcher.fail_with(std::nullopt);
  clock.turn(100ms);
  EXPECT_EQ(launcher.count(), 1U);
}

TEST_F(KeeperTest, ReplacesItOnlyOnceTheNextOneIsReady) {
  auto& former = serving();
  keeper.keep(plan(2));
  ASSERT_EQ(launcher.count(), 2U);
  EXPECT_FALSE(former.was_told<DrainMessage>());
  launcher.last().become_ready();
  EXPECT_EQ(former.last<DrainMessage>().milliseconds, 10000U) << "a busy machine answers late";
  former.exit_with(0);
  EXPECT_EQ(failures, 0);
  clock.turn(10s);
  EXPECT_EQ(launcher.count(), 2U);
}

TEST_F(KeeperTest, LeavesTheFormerOneInServiceWhileTheNextOnesFail) {
  auto& former = serving();
  keeper.keep(plan(2));
  launcher.last().exit_with(70);
  clock.turn(100ms);
  ASSERT_EQ(launcher.count(), 3U);
  EXPECT_FALSE(former.was_told<DrainMessage>());
  launcher.last().become_ready();
  EXPECT_TRUE(former.was_told<DrainMessage>());
}

TEST_F(KeeperTest, StartsNoThirdOneWhenTheFormerOneDiesMeanwhile) {
  auto& former = serving();
  keeper.keep(plan(2));
  former.die_from(SIGKILL);
  clock.turn(1s);
  EXPECT_EQ(launcher.count(), 2U);
  EXPECT_THAT(log.text(), HasSubstr("died from SIGKILL after 0.0 s; its successor starts already"));
  launcher.last().become_ready();
  clock.turn(1s);
  EXPECT_EQ(launcher.count(), 2U);
}

TEST_F(KeeperTest, ForgetsAFormerPlanThatHasNotComeTrueYet) {
  keeper.keep(plan(1));
  auto& never_ready = launcher.last();
  keeper.keep(plan(2));
  EXPECT_TRUE(never_ready.was_told<DrainMessage>());
  launcher.last().become_ready();
  never_ready.become_ready();  // its message was on the way
  EXPECT_FALSE(launcher.last().was_told<DrainMessage>());
}

TEST_F(KeeperTest, LetsItGoWhenNoneIsWantedAnyMore) {
  auto& former = serving();
  auto without = plan(2);
  without.listeners.clear();
  keeper.keep(without);
  EXPECT_TRUE(former.was_told<DrainMessage>());
  former.exit_with(0);
  clock.turn(10s);
  EXPECT_EQ(launcher.count(), 1U);
  EXPECT_EQ(listener.use_count(), 1) << "the socket may be closed";
}

TEST_F(KeeperTest, LetsItGoAtOnceWhenTheNextOneHasAnotherListener) {
  auto& former = serving();
  auto elsewhere = plan(2);
  elsewhere.listeners = {std::make_shared<const UniqueFd>()};
  keeper.keep(elsewhere);
  EXPECT_EQ(former.last<DrainMessage>().milliseconds, 1000U) << "the next change waits for it";
  EXPECT_TRUE(keeper.holds_removed_listeners());
  EXPECT_EQ(left, 0);
  former.exit_with(0);
  EXPECT_FALSE(keeper.holds_removed_listeners());
  EXPECT_EQ(left, 1);
  EXPECT_EQ(listener.use_count(), 1);
}

TEST_F(KeeperTest, HurriesOneThatLeavesAlreadyWhenItsListenerIsRemoved) {
  auto& former = serving();
  keeper.keep(plan(2));
  launcher.last().become_ready();
  auto without = plan(3);
  without.listeners.clear();
  keeper.keep(without);
  EXPECT_EQ(former.last<DrainMessage>().milliseconds, 1000U);
  clock.turn(Keeper::kTimeToClear + Keeper::kGrace);
  EXPECT_TRUE(former.was_sent(SIGKILL));
}

TEST_F(KeeperTest, DoesNotHoldRemovedListenersWhileTheyStayTheSame) {
  serving();
  keeper.keep(plan(2));
  launcher.last().become_ready();
  EXPECT_FALSE(keeper.holds_removed_listeners());
}

TEST_F(KeeperTest, StartsOneForThoseWhoWaitAtAListenerThatIsRemovedWhileNoneIsThere) {
  serving().die_from(SIGKILL);
  auto without = plan(2);
  without.listeners.clear();
  keeper.keep(without);
  ASSERT_EQ(launcher.count(), 2U);
  EXPECT_TRUE(launcher.last().was_told<ConfigureMessage>());
  EXPECT_TRUE(launcher.last().was_told<DrainMessage>());
  EXPECT_TRUE(keeper.holds_removed_listeners());
  launcher.last().exit_with(0);
  clock.turn(10s);
  EXPECT_EQ(launcher.count(), 2U);
}

TEST_F(KeeperTest, KillsOneThatHangsAlsoWhenItIsReplacedMeanwhileAndNotItsSuccessor) {
  auto& hung = serving();
  clock.turn(1500ms);
  ASSERT_TRUE(hung.was_sent(SIGABRT));
  ASSERT_FALSE(hung.was_sent(SIGKILL));
  keeper.keep(plan(2));
  auto& next = launcher.last();
  next.become_ready();
  clock.turn(500ms);
  EXPECT_TRUE(hung.was_sent(SIGKILL)) << "it gets no more time than it had";
  EXPECT_TRUE(next.signals().empty());
}

TEST_F(KeeperTest, KillsOneThatDoesNotLeave) {
  auto& former = serving();
  keeper.keep(plan(2));
  launcher.last().become_ready();
  clock.turn(Keeper::kTimeToFinish + Keeper::kGrace - 1ms);
  EXPECT_FALSE(former.was_sent(SIGKILL));
  clock.turn(1ms);
  EXPECT_TRUE(former.was_sent(SIGKILL));
}

TEST_F(KeeperTest, KillsOneThatIsNotReadyInTime) {
  keeper.keep(plan());
  auto& late = launcher.last();
  clock.turn(6s);
  ASSERT_TRUE(late.was_sent(SIGKILL));
  late.die_from(SIGKILL);
  clock.turn(100ms);
  EXPECT_EQ(launcher.count(), 2U);
}

TEST_F(KeeperTest, KillsOneWhoseLoopStandsStillAndNoOther) {
  auto& process = serving();
  for (int i = 0; i < 30; ++i) {
    process.say(BeatMessage{});
    clock.turn(100ms);
  }
  EXPECT_EQ(beats, 30);
  EXPECT_EQ(process.count<HeardMessage>(), 30U);
  EXPECT_TRUE(process.signals().empty());
  clock.turn(1s);
  ASSERT_TRUE(process.was_sent(SIGABRT));
  EXPECT_THAT(last_event(), HasSubstr("has not turned for 800ms"));
  EXPECT_FALSE(process.was_sent(SIGKILL));
  clock.turn(1s);
  EXPECT_TRUE(process.was_sent(SIGKILL));
  process.die_from(SIGKILL);
  clock.turn(0ms);
  EXPECT_EQ(launcher.count(), 2U);
}

TEST_F(KeeperTest, KillsOneThatSaysWhatOnlyAWorkerSays) {
  auto& process = serving();
  process.say(EmptiedMessage{});
  EXPECT_TRUE(process.was_sent(SIGKILL));
  EXPECT_THAT(log.text(), HasSubstr("sent a message of another role; killing it"));
}

TEST_F(KeeperTest, StartsAnotherWithoutAnErrorWhenASignalHasSentItAway) {
  serving().exit_with(0);
  clock.turn(0ms);
  EXPECT_EQ(launcher.count(), 2U);
  EXPECT_EQ(log.lines_with("error"), 0U);
  EXPECT_EQ(failures, 0);
}

TEST_F(KeeperTest, EndsWhenAllOfItsProcessesHave) {
  auto& former = serving();
  keeper.keep(plan(2));
  auto& next = launcher.last();
  next.become_ready();
  keeper.end(200ms);
  EXPECT_EQ(next.last<DrainMessage>().milliseconds, 200U);
  next.exit_with(0);
  EXPECT_FALSE(is_gone);
  clock.turn(200ms + Keeper::kGrace);
  EXPECT_TRUE(former.was_sent(SIGKILL)) << "it has no longer than the last one";
  former.die_from(SIGKILL);
  EXPECT_TRUE(is_gone);
  clock.turn(10s);
  EXPECT_EQ(launcher.count(), 2U);
}

TEST_F(KeeperTest, EndsWhileItWaitsForTheNextStart) {
  serving().die_from(SIGKILL);
  keeper.end(200ms);
  EXPECT_TRUE(is_gone);
  clock.turn(10s);
  EXPECT_EQ(launcher.count(), 1U);
}

TEST_F(KeeperTest, TellsAllOfThemOfAnotherLog) {
  auto& former = serving();
  keeper.keep(plan(2));
  keeper.change_log(7, {3});
  EXPECT_EQ(former.last<LogMessage>().level, 3U);
  EXPECT_EQ(launcher.last().last<LogMessage>().level, 3U);
}

TEST_F(KeeperTest, GoesOnAfterAnUpgrade) {
  serving();
  keeper.keep(plan(2));
  const auto record = keeper.record();
  ASSERT_TRUE(record.child);
  ASSERT_EQ(record.leavers.size(), 1U) << "the candidate was not READY: the next program starts its own";
  Keeper next(clock, launcher, events, kKept, *this);
  next.restore(record, plan(2));
  ASSERT_EQ(launcher.count(), 4U);
  EXPECT_FALSE(launcher[2].was_told<DrainMessage>()) << "the former program may have to go on with it";
  clock.turn(0ms);
  EXPECT_TRUE(launcher[2].was_told<DrainMessage>());
  auto& child = launcher[3];
  EXPECT_EQ(child.pid(), record.child->pid);
  child.die_from(SIGKILL);
  clock.turn(100ms);
  EXPECT_EQ(launcher.count(), 5U);
}

TEST_F(KeeperTest, StartsNothingAfterAnUpgradeBeforeTheLoopTurns) {
  serving().die_from(SIGKILL);
  Keeper next(clock, launcher, events, kKept, *this);
  next.restore(keeper.record(), plan(1));
  EXPECT_EQ(launcher.count(), 1U) << "it would get descriptors that belong to the former program";
  keeper.end(0ms);
  clock.turn(0ms);
  EXPECT_EQ(launcher.count(), 2U);
}

TEST_F(KeeperTest, ReplacesOneOfAnotherProtocolVersionByHangingUp) {
  serving();
  auto record = keeper.record();
  record.child->protocol = 99;
  Keeper next(clock, launcher, events, kKept, *this);
  next.restore(record, plan(1));
  auto& foreign = launcher.last();
  clock.turn(5s);
  EXPECT_FALSE(foreign.was_sent(SIGABRT)) << "its heartbeats are not understood";
  next.keep(plan(2));
  launcher.last().become_ready();
  EXPECT_TRUE(foreign.was_hung_up_on());
}

}  // namespace
}  // namespace tcp_echo::test
