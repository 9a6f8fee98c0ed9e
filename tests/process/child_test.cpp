#include "tcp_echo/process/child.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "support/fake_children.hpp"
#include "support/hand_clock.hpp"
#include "support/log_capture.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

constexpr ChildRole kRole{"helper", "hlp"};

struct Heard final : Child::Holder {
  void on_message(Child& child, const ToMaster& message) override {
    last_child = &child;
    messages.push_back(message);
  }
  void on_exit(Child& child, const ExitStatus& status) override {
    last_child = &child;
    exit = status;
  }

  Child* last_child = nullptr;
  std::vector<ToMaster> messages;
  std::optional<ExitStatus> exit;
};

struct ChildTest : ::testing::Test {
  std::unique_ptr<Child> start() {
    const ChildPost post{kRole, 2, 7, heartbeats, 3, 400ms};
    return value_or_throw(Child::start(clock, launcher, post, {10, 11}, heard));
  }

  LogCapture log;
  HandClock clock;
  FakeLauncher launcher;
  Counter heartbeats;
  Heard heard;
  std::unique_ptr<Child> child = start();
  FakeProcess& process = launcher.last();
};

TEST_F(ChildTest, HasTheWordsOfItsRole) {
  EXPECT_EQ(child->name(), "helper 2 (pid " + std::to_string(process.pid()) + ")");
  EXPECT_EQ(process.number(), 2U);
  EXPECT_EQ(process.listeners(), 2U);
  EXPECT_EQ(child->block(), 7U);
  EXPECT_EQ(child->generation(), 3U);
}

TEST_F(ChildTest, ThatCannotBeStartedIsAnError) {
  launcher.fail_with("no more processes");
  const ChildPost post{kRole, 2, 7, heartbeats, 3, 400ms};
  const auto started = Child::start(clock, launcher, post, {}, heard);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().text, "no more processes");
}

TEST_F(ChildTest, ReportsToWhoeverHoldsItNow) {
  process.say(ReadyMessage{});
  EXPECT_EQ(heard.last_child, child.get());
  Heard next;
  child->report_to(next);
  process.say(EmptiedMessage{});
  process.exit_with(3);
  EXPECT_EQ(heard.messages.size(), 1U);
  EXPECT_FALSE(heard.exit);
  ASSERT_EQ(next.messages.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<EmptiedMessage>(next.messages[0]));
  ASSERT_TRUE(next.exit);
  EXPECT_EQ(next.exit->code, 3);
}

TEST_F(ChildTest, MayBeDestroyedWhenItHasEnded) {
  struct Owner final : Child::Holder {
    void on_message(Child& /*child*/, const ToMaster& /*message*/) override {}
    void on_exit(Child& /*child*/, const ExitStatus& /*status*/) override { child.reset(); }
    std::unique_ptr<Child> child;
  } owner;
  child->report_to(owner);
  owner.child = std::move(child);
  process.die_from(SIGKILL);
  EXPECT_EQ(owner.child, nullptr);
}

TEST_F(ChildTest, ThatCannotBeToldIsLogged) {
  process.be_deaf(true);
  EXPECT_FALSE(child->try_tell(AcceptMessage{}));
  EXPECT_EQ(log.text(), "");
  child->tell(AcceptMessage{});
  EXPECT_EQ(log.text(), "warning: " + child->name() + ": it does not listen\n");
}

TEST_F(ChildTest, OfAnotherVersionWantsASuccessorAndSeesItsChannelEndAtLast) {
  process.speak_another_version();
  ASSERT_EQ(heard.messages.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<LeavingMessage>(heard.messages[0])) << "as if it had said so itself";
  EXPECT_FALSE(child->is_reachable());
  child->change_log(1, {});
  EXPECT_FALSE(process.was_hung_up_on());
  child->tell_to_end(DrainMessage{5});
  EXPECT_TRUE(process.was_hung_up_on());
  EXPECT_FALSE(process.was_told<DrainMessage>());
  EXPECT_EQ(log.lines_with("speaks protocol version 99; letting it finish alone"), 1U);
  EXPECT_EQ(log.lines_with("warning"), 1U) << log.text();
}

TEST_F(ChildTest, IsToldToEndAndWhereToLog) {
  child->tell_to_end(DrainMessage{5});
  EXPECT_EQ(process.last<DrainMessage>().milliseconds, 5U);
  EXPECT_FALSE(process.was_hung_up_on());
  child->change_log(1, {});
  EXPECT_TRUE(process.was_told<LogMessage>());
  EXPECT_EQ(process.last_descriptors(), 1U);
}

TEST_F(ChildTest, IsKilledForNonsense) {
  process.speak_nonsense();
  EXPECT_TRUE(heard.messages.empty());
  EXPECT_EQ(process.signals(), std::vector{SIGKILL});
  EXPECT_EQ(log.text(), "error: " + child->name() + " sent nonsense; killing it\n");
}

TEST_F(ChildTest, ThatHangsIsAbortedAndContinuedSoThatItDiesWithACore) {
  child->abort(1500ms);
  EXPECT_EQ(process.signals(), (std::vector{SIGABRT, SIGCONT}));
  EXPECT_EQ(log.lines_with("has not turned for 400ms (--watchdog); SIGABRT now, SIGKILL in 1500ms"), 1U)
      << log.text();
  child->kill_overdue();
  EXPECT_TRUE(process.was_sent(SIGKILL));
}

TEST_F(ChildTest, HasServedSinceItWasReady) {
  clock.turn(3s);
  EXPECT_FALSE(child->was_ready());
  EXPECT_EQ(child->served_for(), 0ms);
  child->note_ready();
  EXPECT_TRUE(child->was_ready());
  EXPECT_EQ(child->served_for(), 1ms) << "0 would say never";
  clock.turn(2s);
  EXPECT_EQ(child->served_for(), 2s);
}

TEST_F(ChildTest, HasAnObituary) {
  clock.turn(3100ms);
  EXPECT_EQ(child->obituary({.code = 3}),
            child->name() + " exited with code 3 after 3.1 s before it was ready");
  child->note_ready();
  EXPECT_EQ(child->obituary({.signal = SIGSEGV}), child->name() + " died from SIGSEGV after 3.1 s");
}

TEST_F(ChildTest, IsHungWhenItsHeartbeatsStandStill) {
  EXPECT_FALSE(child->is_hung(50ms));
  bool hung = false;
  for (int look = 0; look < 20; ++look) {
    heartbeats.add(1);
    hung = hung || child->is_hung(50ms);
  }
  EXPECT_FALSE(hung);
  for (int look = 0; look < 20; ++look) hung = child->is_hung(50ms);
  EXPECT_TRUE(hung);
}

TEST_F(ChildTest, IsAdoptedAsItsRecordSays) {
  clock.turn(1s);
  child->note_ready();
  const auto record = child->record();
  EXPECT_EQ(record.pid, child->pid());
  EXPECT_EQ(record.watchdog, 400ms);
  clock.turn(1s);
  const auto adopted = Child::adopt(clock, launcher, {kRole, 2, 7, heartbeats, 9, 5ms}, record, heard);
  EXPECT_EQ(adopted->pid(), child->pid());
  EXPECT_EQ(adopted->generation(), 3U) << "not that of the master";
  EXPECT_EQ(adopted->served_for(), 1s);
  EXPECT_EQ(adopted->record(), record);
}

TEST_F(ChildTest, TakesFromItsMasterWhatAnOldRecordDoesNotTell) {
  auto record = child->record();
  record.generation.reset();
  record.watchdog.reset();
  const auto adopted = Child::adopt(clock, launcher, {kRole, 2, 7, heartbeats, 9, 5ms}, record, heard);
  EXPECT_EQ(adopted->generation(), 9U);
  EXPECT_EQ(adopted->record().watchdog, 5ms);
}

}  // namespace
}  // namespace tcp_echo::test
