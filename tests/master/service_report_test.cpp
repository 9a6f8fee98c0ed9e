// What the scoreboard shows of the service as a whole, with a fleet whose workers have no processes.
#include "tcp_echo/master/service_report.hpp"

#include <unistd.h>

#include "support/household.hpp"
#include "support/sockets.hpp"
#include "tcp_echo/base/version.hpp"
#include "tcp_echo/status/service_status.hpp"

namespace tcp_echo::test {
namespace {

struct ServiceReportTest : ::testing::Test, private Jobs::Host {
  ServiceStatus status() const { return read_status(scoreboard, loop.now()); }
  JobWaiter& as_waiter() { return report; }

  static constexpr unsigned kWorkers = 2;
  LogCapture log;
  Loop loop;
  Scoreboard scoreboard = value_or_throw(Scoreboard::create());
  FakeLauncher launcher;
  std::shared_ptr<const Generation> generation =
      std::make_shared<const Generation>(generation_of(kWorkers, 7));
  Fleet fleet{loop,       scoreboard, launcher,
              generation, kWorkers,   {[] {}, [](const Error&) {}, [] {}, [](unsigned, pid_t) {}, [] {}}};
  Jobs jobs{loop, fleet, scoreboard, host(), kWorkers};
  ServiceReport report{loop, fleet, jobs, scoreboard};

 private:
  Jobs::Host& host() { return *this; }
  bool holds_removed_listeners() const override { return false; }
  Result<GivenConfig> read_config() override { return GivenConfig{}; }
  Result<void> change_log(const UniqueFd& /*log*/, const Config& /*next*/) override { return {}; }
  void on_changed() override {}
  void upgrade() override {}
  void prove() override {}
  void go_back() override {}
  void answer(Ticket /*ticket*/, const Outcome& /*outcome*/) override {}
};

TEST_F(ServiceReportTest, ShowsWhoServesAndWhere) {
  report.starting();
  const auto now = status();
  EXPECT_EQ(now.version, version());
  EXPECT_EQ(now.pid, ::getpid());
  EXPECT_EQ(now.generation, 7U);
  EXPECT_GT(now.started_on.count(), 0);
  ASSERT_EQ(now.listeners.size(), 1U);
  EXPECT_EQ(now.listeners[0].address, "127.0.0.1");
  EXPECT_EQ(now.listeners[0].port, generation->listeners.endpoints().front().port());
}

TEST_F(ServiceReportTest, LooksAtTheQueuesOfAllSlots) {
  auto listening = generation->config;
  listening.backlog = 4;
  ASSERT_TRUE(generation->listeners.begin_to_listen(listening));
  const Client one(generation->listeners.endpoints().front());
  const Client other(generation->listeners.endpoints().front());
  report.starting();
  EXPECT_EQ(status().listeners[0].waiting, 2U);
  EXPECT_EQ(status().listeners[0].room, 8U) << "of both slots";
  EXPECT_GE(status().listeners[0].fullest, 0.25);
  EXPECT_LE(status().listeners[0].fullest, 0.5);
}

TEST_F(ServiceReportTest, ShowsWhatTheServiceIsDoing) {
  report.starting();
  EXPECT_EQ(status().state, ServiceState::kStarting);
  report.ready();
  EXPECT_EQ(status().state, ServiceState::kServing);
  as_waiter().on_begin({.kind = Job::Kind::kReload});
  EXPECT_EQ(status().state, ServiceState::kReloading);
  as_waiter().on_end({.kind = Job::Kind::kReload}, {});
  EXPECT_EQ(status().state, ServiceState::kServing);
  as_waiter().on_begin({.kind = Job::Kind::kUpgrade});
  EXPECT_EQ(status().state, ServiceState::kUpgrading);
  as_waiter().on_end({.kind = Job::Kind::kUpgrade}, failure(ExitCode::kTemporary, "no"));
  as_waiter().on_begin({.kind = Job::Kind::kScale, .by = 1});
  EXPECT_EQ(status().state, ServiceState::kServing);
  report.stopping("stopping gracefully");
  EXPECT_EQ(status().state, ServiceState::kStopping);
  EXPECT_EQ(scoreboard.master().events.read().back(),
            (ServiceEvent{scoreboard.master().events.read().back().at, EventKind::kStopping,
                          "stopping gracefully"}));
}

TEST_F(ServiceReportTest, CallsTheReloadOfAProgramThatHasJustTakenOverItsUpgrade) {
  jobs.restore(UpgradeState{}, true);
  as_waiter().on_begin({.kind = Job::Kind::kReload});
  EXPECT_EQ(status().state, ServiceState::kUpgrading);
}

}  // namespace
}  // namespace tcp_echo::test
