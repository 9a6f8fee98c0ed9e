#include "fleet/changeover.hpp"

#include "support/household.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

struct ChangeoverTest : HouseholdTest, private Changeover::Host {
  void begin(std::vector<unsigned> slots) {
    changeover.begin({.generation = next, .workers = kSlots, .renewed = std::move(slots)});
  }

  LogCapture log;
  std::shared_ptr<const Generation> next = std::make_shared<const Generation>(generation_of(kSlots, 2));
  int ready = 0;
  std::string failure;
  Changeover changeover{household, *this};

 private:
  void on_candidates_ready() override { ++ready; }
  void on_candidate_failed(const Error& error) override { failure = error.text; }
};

TEST_F(ChangeoverTest, StartsCandidatesThatHoldStill) {
  begin({0, 2});
  EXPECT_TRUE(changeover.is_under_way());
  ASSERT_EQ(launcher.count(), 2U);
  EXPECT_EQ(launcher[1].number(), 3U);
  EXPECT_TRUE(launcher[0].last<ConfigureMessage>().waits);
  EXPECT_EQ(ready, 0);
}

TEST_F(ChangeoverTest, IsReadyWithTheLastOfThem) {
  begin({0, 2});
  launcher[1].become_ready();
  EXPECT_EQ(ready, 0);
  launcher[0].become_ready();
  EXPECT_EQ(ready, 1);
}

TEST_F(ChangeoverTest, WithoutCandidatesIsReadyAtOnce) {
  begin({});
  EXPECT_EQ(ready, 1);
}

TEST_F(ChangeoverTest, GivesEachCandidateOnce) {
  begin({0, 2});
  launcher[0].become_ready();
  launcher[1].become_ready();
  const auto movement = changeover.finish();
  EXPECT_EQ(movement.generation, next);
  EXPECT_FALSE(changeover.is_under_way());
  const auto candidate = changeover.take(2);
  ASSERT_NE(candidate.worker, nullptr);
  EXPECT_EQ(candidate.worker->generation(), 2U);
  EXPECT_FALSE(candidate.wants_successor);
  EXPECT_EQ(changeover.take(2).worker, nullptr);
  EXPECT_EQ(changeover.take(1).worker, nullptr);
  clock.turn(1min);
  EXPECT_EQ(failure, "") << "it is not late any more";
}

TEST_F(ChangeoverTest, RemembersThatACandidateWasToldToLeave) {
  begin({0});
  launcher[0].say(LeavingMessage{});
  launcher[0].become_ready();
  changeover.finish();
  EXPECT_TRUE(changeover.take(0).wants_successor);
}

TEST_F(ChangeoverTest, FailsWithACandidateThatDies) {
  begin({0, 1});
  const auto pid = launcher[1].pid();
  launcher[1].die_from(SIGSEGV);
  EXPECT_EQ(failure,
            "worker 2 (pid " + std::to_string(pid) + ") died from SIGSEGV after 0.0 s before it was ready");
  EXPECT_EQ(gone, std::vector{pid});
  changeover.finish();
  EXPECT_EQ(changeover.take(1).worker, nullptr);
  EXPECT_NE(changeover.take(0).worker, nullptr) << "it is there to be stopped";
}

TEST_F(ChangeoverTest, FailsWithACandidateThatIsLate) {
  begin({0, 1});
  launcher[0].become_ready();
  clock.turn(next->config.ready_timeout + 1s);
  EXPECT_EQ(failure, "worker 2 (pid " + std::to_string(launcher[1].pid()) + ") is not ready after " +
                         "10s (--ready-timeout)");
}

TEST_F(ChangeoverTest, FailsWhenACandidateCannotBeStarted) {
  launcher.fail_with("no more processes");
  begin({0});
  EXPECT_EQ(failure, "worker 1 cannot be started: no more processes");
  EXPECT_TRUE(changeover.is_under_way()) << "until somebody has taken those that were started";
}

TEST_F(ChangeoverTest, KillsACandidateThatSpeaksBeforeItsTime) {
  begin({0});
  launcher[0].say(EmptiedMessage{});
  EXPECT_TRUE(launcher[0].was_sent(SIGKILL));
  EXPECT_EQ(log.lines_with("sent a message before its time; killing it"), 1U);
}

TEST_F(ChangeoverTest, TellsCandidatesWhereToLog) {
  begin({0});
  changeover.change_log(1, {});
  EXPECT_TRUE(launcher[0].was_told<LogMessage>());
}

}  // namespace
}  // namespace tcp_echo::test
