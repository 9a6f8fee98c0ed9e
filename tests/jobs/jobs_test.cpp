// Jobs with a real fleet of workers that have no processes.
#include "tcp_echo/jobs/jobs.hpp"

#include "support/household.hpp"
#include "tcp_echo/base/version.hpp"
#include "tcp_echo/config/worker_count.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

/// Writes down what it is told: "reload begins", "reload failed: ...".
class Listening final : public JobWaiter {
 public:
  void on_begin(const Job& job) override { heard.push_back(name_of(job) + " begins"); }
  void on_end(const Job& job, const Outcome& outcome) override {
    heard.push_back(name_of(job) + (outcome ? " done" : " failed: " + outcome.error().text));
  }
  std::vector<std::string> heard;

 private:
  static std::string name_of(const Job& job) { return std::string(tcp_echo::name_of(job.kind)); }
};

struct JobsTest : ::testing::Test, private Jobs::Host {
  JobsTest() { jobs.add(waiter); }

  void come_up() {
    fleet.start();
    for (unsigned i = 0; i < kWorkers; ++i) launcher[i].become_ready();
  }
  /// Lets the loop turn, and those get ready that were started.
  void let_it_happen() {
    clock.turn(0ms);
    for (std::size_t i = 0; i < launcher.count(); ++i) {
      if (launcher[i].runs() && !launcher[i].was_told<SuccessorMessage>() && i >= ready_until)
        launcher[i].become_ready();
    }
    ready_until = launcher.count();
  }
  /// Those that have a successor are through.
  void let_leavers_go() {
    for (std::size_t i = 0; i < launcher.count(); ++i) {
      if (launcher[i].runs() && launcher[i].was_told<SuccessorMessage>()) launcher[i].exit_with(0);
    }
  }
  Fleet::Handlers handlers() {
    return {.on_all_ready = [] {},
            .on_start_failure = [](const Error&) {},
            .on_change = [this] { jobs.proceed(); },
            .on_leaving = [this](unsigned slot, pid_t worker) { jobs.ask_for_successor(slot, worker); },
            .on_all_gone = [] {}};
  }
  UpgradeState recorded() const {
    UpgradeState state;
    jobs.record(state);
    return state;
  }

  static constexpr unsigned kWorkers = 2;
  LogCapture log;
  HandClock clock;
  Scoreboard scoreboard = value_or_throw(Scoreboard::create());
  FakeLauncher launcher;
  std::shared_ptr<const Generation> generation = std::make_shared<const Generation>(generation_of(kWorkers));
  Result<GivenConfig> next_config{
      tl::in_place, GivenConfig{.config = generation->config, .sources = {}, .warnings = {}, .notices = {}}};
  std::size_t ready_until = kWorkers;  ///< so many of those that were started were let ready
  bool holds_listeners = false;
  int changes = 0;
  int upgrades = 0;
  int proofs = 0;
  int ways_back = 0;
  std::vector<std::string> answers;  ///< "7: scaled to 3 workers"
  Listening waiter;
  Fleet fleet{clock, scoreboard, launcher, generation, kWorkers, handlers()};
  Jobs jobs{clock, fleet, scoreboard, host(), kWorkers};

 private:
  Jobs::Host& host() { return *this; }
  bool holds_removed_listeners() const override { return holds_listeners; }
  Result<GivenConfig> read_config() override { return next_config; }
  Result<void> change_log(const UniqueFd& /*log*/, const Config& /*next*/) override { return {}; }
  void on_changed() override { ++changes; }
  void upgrade() override { ++upgrades; }
  void prove() override { ++proofs; }
  void go_back() override { ++ways_back; }
  void answer(Ticket ticket, const Outcome& outcome) override {
    answers.push_back(std::to_string(ticket) +
                      (outcome ? ": " + *outcome : " failed: " + outcome.error().text));
  }
};

using Story = std::vector<std::string>;

TEST_F(JobsTest, WaitUntilTheServiceIsUp) {
  jobs.ask_for_more_workers(1);
  fleet.start();
  clock.turn(0ms);
  EXPECT_TRUE(waiter.heard.empty());
  for (unsigned i = 0; i < kWorkers; ++i) launcher[i].become_ready();
  clock.turn(0ms);
  EXPECT_EQ(waiter.heard, Story{"scale begins"});
  EXPECT_TRUE(jobs.is_busy());
}

TEST_F(JobsTest, WaitUntilNobodyHasListenersOfARemovedAddress) {
  come_up();
  holds_listeners = true;
  jobs.ask_for_reload();
  clock.turn(1s);
  EXPECT_TRUE(waiter.heard.empty());
  holds_listeners = false;
  jobs.proceed();
  clock.turn(0ms);
  EXPECT_EQ(waiter.heard, Story{"reload begins"});
}

TEST_F(JobsTest, ReloadToTheNextGeneration) {
  come_up();
  next_config->config.workers = kWorkers;
  jobs.ask_for_reload();
  let_it_happen();
  EXPECT_EQ(waiter.heard, (Story{"reload begins", "reload done"}));
  EXPECT_EQ(fleet.generation()->number, 2U);
  EXPECT_EQ(jobs.workers(), kWorkers);
  EXPECT_EQ(changes, 1);
  EXPECT_EQ(scoreboard.master().reloads.get(), 1U);
  EXPECT_EQ(log.lines_with("reloaded: generation 2 serves on"), 1U) << log.text();
}

TEST_F(JobsTest, TellOfAReloadThatFailsAndGoOnAsBefore) {
  come_up();
  next_config = failure(ExitCode::kConfig, "x.toml:3: nonsense");
  jobs.ask_for_reload();
  let_it_happen();
  EXPECT_EQ(waiter.heard, (Story{"reload begins", "reload failed: x.toml:3: nonsense"}));
  EXPECT_EQ(fleet.generation()->number, 1U);
  EXPECT_EQ(scoreboard.master().failed_reloads.get(), 1U);
  EXPECT_FALSE(jobs.is_busy());
}

TEST_F(JobsTest, RefuseAReloadThatWantsAnotherUser) {
  come_up();
  next_config->config.user = "nobody";
  jobs.ask_for_reload();
  let_it_happen();
  EXPECT_EQ(waiter.heard.back(), "reload failed: --user cannot change on a reload, only on a new start");
}

TEST_F(JobsTest, AreDoneOneAfterTheOtherAndAfterTheLeaversOfTheLastOne) {
  come_up();
  next_config->config.workers = kWorkers;
  jobs.ask_for_more_workers(1);
  jobs.ask_for_reload();
  let_it_happen();
  clock.turn(0ms);
  EXPECT_EQ(waiter.heard, (Story{"reload begins", "reload done"})) << "its leavers still hand over";
  let_leavers_go();
  let_it_happen();
  EXPECT_EQ(waiter.heard, (Story{"reload begins", "reload done", "scale begins", "scale done"}));
  EXPECT_EQ(jobs.workers(), 3U);
}

TEST_F(JobsTest, KeepANumberOfWorkersThatWasSetByHandUntilTheConfigurationNamesAnother) {
  come_up();
  jobs.ask_for_more_workers(1);
  let_it_happen();
  jobs.ask_for_reload();
  let_it_happen();
  EXPECT_EQ(jobs.workers(), 3U) << "--workers is as it was";
  let_leavers_go();
  next_config->config.workers = 1;
  jobs.ask_for_reload();
  let_it_happen();
  EXPECT_EQ(jobs.workers(), 1U);
}

TEST_F(JobsTest, NeedNoneWhereNothingIsToBeDone) {
  come_up();
  jobs.ask_for_more_workers(1);
  jobs.ask_for_more_workers(-1);
  jobs.ask_for_restart(0, 4711);  // that worker has died meanwhile
  let_it_happen();
  EXPECT_TRUE(waiter.heard.empty());
  jobs.ask_for_more_workers(-1);
  let_it_happen();
  jobs.ask_for_more_workers(-1);
  let_leavers_go();
  let_it_happen();
  EXPECT_EQ(waiter.heard, (Story{"scale begins", "scale done"}));
  EXPECT_EQ(log.lines_with("already 1 worker; not changed"), 1U);
}

TEST_F(JobsTest, ReplaceAWorkerThatWantsToLeaveAndTryAgainIfThatFails) {
  come_up();
  launcher.fail_with("no more processes");
  launcher[1].say(LeavingMessage{});
  clock.turn(0ms);
  EXPECT_EQ(waiter.heard.back(), "restart failed: worker 2 cannot be started: no more processes");
  EXPECT_EQ(log.lines_with("has no successor"), 1U);
  EXPECT_EQ(recorded().jobs.size(), 1U) << "another program would try it again as well";
  launcher.fail_with(std::nullopt);
  clock.turn(99ms);
  EXPECT_EQ(launcher.count(), kWorkers);
  clock.turn(1ms);
  let_it_happen();
  EXPECT_EQ(waiter.heard.back(), "restart done");
  EXPECT_EQ(scoreboard.master().slots[1].restarts_for(RestartReason::kRequested).get(), 1U);
}

TEST_F(JobsTest, HoldOnDuringAnUpgradeAndTellOfOneThatFails) {
  come_up();
  jobs.ask_for_reload();
  jobs.ask_for_upgrade();
  clock.turn(0ms);
  EXPECT_EQ(upgrades, 1);
  EXPECT_EQ(waiter.heard, Story{"upgrade begins"});
  EXPECT_EQ(recorded().jobs, (std::vector<Job>{{.kind = Job::Kind::kReload}}))
      << "the next program will do it";
  jobs.on_upgrade_failed({ExitCode::kConfig, "it is no program"});
  EXPECT_EQ(waiter.heard.back(), "upgrade failed: it is no program");
  let_it_happen();
  EXPECT_EQ(waiter.heard.back(), "reload done");
}

TEST_F(JobsTest, ShowFirstThatTheyCanServeAfterATakeOver) {
  come_up();
  UpgradeState state;
  state.jobs = {{.kind = Job::Kind::kScale, .by = 1}};
  jobs.restore(state, true);
  jobs.proceed();
  let_it_happen();
  EXPECT_EQ(waiter.heard, (Story{"reload begins", "reload done"}));
  EXPECT_EQ(proofs, 1);
  let_leavers_go();
  let_it_happen();
  EXPECT_EQ(waiter.heard.back(), "scale done");
}

TEST_F(JobsTest, GoBackIfTheyCannotAndOweWhatWasAskedFor) {
  come_up();
  UpgradeState state;
  state.jobs = {{.kind = Job::Kind::kReload}};
  jobs.restore(state, true);
  next_config = failure(ExitCode::kConfig, "x.toml:3: nonsense");
  jobs.proceed();
  let_it_happen();
  EXPECT_EQ(ways_back, 1);
  EXPECT_EQ(proofs, 0);
  EXPECT_TRUE(jobs.is_busy());
  EXPECT_EQ(recorded().jobs, state.jobs);
  EXPECT_EQ(waiter.heard, Story{"reload begins"}) << "the former program tells of the end";
}

TEST_F(JobsTest, EndWithTheService) {
  come_up();
  jobs.ask_for_reload();
  clock.turn(0ms);
  jobs.ask_for_more_workers(1);
  fleet.drain();
  clock.turn(0ms);
  EXPECT_EQ(waiter.heard, Story{"reload begins"});
  EXPECT_FALSE(jobs.is_busy());
}

// ---- those who wait

TEST_F(JobsTest, AnswerEachWhoWaitsWhenItIsDone) {
  come_up();
  jobs.ask_for_reload({1});
  jobs.ask_for_reload({2});
  jobs.ask_for_workers(3, {3});
  clock.turn(0ms);
  EXPECT_TRUE(answers.empty());
  let_it_happen();
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0].substr(0, 33), "1: reloaded: generation 2 serves ");
  EXPECT_EQ(answers[1].substr(0, 3), "2: ");
  let_leavers_go();
  let_it_happen();
  EXPECT_EQ(answers.back(), "3: scaled to 3 workers");
}

TEST_F(JobsTest, AnswerWithTheReasonIfItCannotBeDone) {
  come_up();
  next_config = failure(ExitCode::kConfig, "x.toml:3: nonsense");
  jobs.ask_for_reload({1});
  let_it_happen();
  EXPECT_EQ(answers, Story{"1 failed: x.toml:3: nonsense"});
}

TEST_F(JobsTest, AnswerAlsoWhereNothingIsToBeDone) {
  come_up();
  jobs.ask_for_workers(kWorkers, {1});
  jobs.ask_for_restart(0, 4711, {2});
  let_it_happen();
  EXPECT_EQ(answers,
            (Story{"1: already 2 workers; not changed", "2: worker 1 (pid 4711) has a successor already"}));
}

TEST_F(JobsTest, DoNotTryAgainWhatAnOperatorHasBeenToldToHaveFailed) {
  come_up();
  launcher.fail_with("no more processes");
  jobs.ask_for_restart(1, fleet.worker_of(1), {1});
  clock.turn(0ms);
  EXPECT_EQ(answers, Story{"1 failed: worker 2 cannot be started: no more processes"});
  EXPECT_TRUE(recorded().jobs.empty());
}

TEST_F(JobsTest, LeaveThoseWhoWaitForAnUpgradeToTheNextProgram) {
  come_up();
  jobs.ask_for_upgrade({7});
  clock.turn(0ms);
  EXPECT_EQ(recorded().waiting, std::vector<Ticket>{7});
  EXPECT_TRUE(answers.empty());
}

TEST_F(JobsTest, AnswerForAnUpgradeOnceThisProgramHasProvedThatItCanServe) {
  come_up();
  UpgradeState state;
  state.waiting = {7};
  state.jobs = {{.kind = Job::Kind::kReload, .waiting = {8}}};
  jobs.restore(state, true);
  jobs.proceed();
  clock.turn(0ms);
  EXPECT_TRUE(answers.empty());
  let_it_happen();
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0].substr(0, 12), "8: reloaded:") << "it has reloaded in any case";
  EXPECT_EQ(answers[1], "7: upgraded: tcp-echo-master " + std::string(version()) + " goes on");
  let_leavers_go();
  let_it_happen();
  EXPECT_EQ(waiter.heard, (Story{"reload begins", "reload done"})) << "once is enough";
}

TEST_F(JobsTest, TakeThoseWhoWaitBackToTheFormerProgramAndWhy) {
  come_up();
  UpgradeState state;
  state.waiting = {7};
  state.jobs = {{.kind = Job::Kind::kReload, .waiting = {8}}};
  jobs.restore(state, true);
  next_config = failure(ExitCode::kConfig, "x.toml:3: nonsense");
  jobs.proceed();
  let_it_happen();
  EXPECT_EQ(recorded().waiting, state.waiting);
  EXPECT_EQ(recorded().jobs, state.jobs);
  EXPECT_EQ(recorded().failure, "x.toml:3: nonsense");
  EXPECT_TRUE(answers.empty());
}

TEST_F(JobsTest, ForgetWhyTheyWantedToGoBackWhenTheFormerProgramCannotBeExecuted) {
  come_up();
  jobs.restore({}, true);
  next_config = failure(ExitCode::kConfig, "x.toml:3: nonsense");
  jobs.proceed();
  let_it_happen();
  ASSERT_EQ(recorded().failure, "x.toml:3: nonsense");
  jobs.on_upgrade_failed({ExitCode::kOsError, "it is gone"});
  EXPECT_EQ(recorded().failure, "");
}

TEST_F(JobsTest, TellOfTheFailureOnceTheFormerProgramIsBack) {
  come_up();
  UpgradeState state;
  state.waiting = {7};
  jobs.restore(state, false);
  jobs.on_return("it cannot");
  EXPECT_EQ(answers, Story{"7 failed: it cannot"});
}

}  // namespace
}  // namespace tcp_echo::test
