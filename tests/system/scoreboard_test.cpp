// What the scoreboard of a running service says: read as another process would read it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <numeric>

#include "system/client.hpp"
#include "system/service.hpp"
#include "tcp_echo/status/service_status.hpp"

namespace tcp_echo::test {
namespace {

struct OnTheScoreboard : ::testing::Test {
  explicit OnTheScoreboard(std::vector<std::string> arguments = {"--workers", "2"})
      : service(std::move(arguments)) {
    EXPECT_TRUE(service.daemon().is_serving());
    board.emplace(value_or_throw(Scoreboard::map(service.daemon().scoreboard())));
  }
  ServiceStatus status() const {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return read_status(*board, std::chrono::duration_cast<std::chrono::milliseconds>(now));
  }
  std::vector<EventKind> events() const {
    std::vector<EventKind> kinds;
    for (const auto& event : board->master().events.read()) kinds.push_back(event.kind);
    return kinds;
  }

  Service service;
  std::optional<Scoreboard> board;
};

TEST_F(OnTheScoreboard, IsWhoServesAndWhere) {
  const auto now = status();
  EXPECT_EQ(now.state, ServiceState::kServing);
  EXPECT_EQ(now.why_not_ready(), std::nullopt);
  EXPECT_EQ(now.pid, service.daemon().pid());
  EXPECT_EQ(now.generation, 1U);
  ASSERT_EQ(now.listeners.size(), 1U);
  EXPECT_EQ(now.listeners[0].address, "127.0.0.1");
  EXPECT_EQ(now.listeners[0].port, service.port());
  EXPECT_GT(now.listeners[0].room, 0U);
  ASSERT_EQ(now.slots.size(), 2U);
  for (const auto& slot : now.slots) {
    EXPECT_EQ(slot.state, WorkerState::kServing);
    EXPECT_EQ(slot.served_by, slot.slot);
    EXPECT_LT(slot.uptime, std::chrono::hours(1));
  }
}

TEST_F(OnTheScoreboard, EveryClosedConnectionIsInTheHistogramsWhicheverWorkersServedIt) {
  constexpr std::size_t kClients = 10;
  auto clients = connect_many(service.port(), kClients);
  for (auto& client : clients) EXPECT_EQ(client.echo("before"), "before");
  ASSERT_TRUE(service.reload());
  for (auto& client : clients) EXPECT_EQ(client.echo("after."), "after.");
  EXPECT_EQ(status().totals.active(), kClients);
  clients.clear();
  ASSERT_TRUE(eventually([this] { return status().totals.active() == 0; }));
  const auto& totals = status().totals;
  EXPECT_EQ(totals.accepted, kClients);
  EXPECT_EQ(totals.handed_over_in, kClients);
  EXPECT_EQ(totals.handed_over_out, kClients);
  EXPECT_EQ(totals.closed[static_cast<std::size_t>(CloseReason::kClient)], kClients);
  EXPECT_EQ(totals.sizes.buckets[4], kClients) << "12 bytes each";
  EXPECT_EQ(totals.sizes.sum, 12 * kClients);
  const auto& lifetimes = totals.lifetimes.buckets;
  EXPECT_EQ(std::accumulate(lifetimes.begin(), lifetimes.end(), std::uint64_t{0}), kClients);
}

TEST_F(OnTheScoreboard, IsWhatHasHappenedAlsoAfterAnUpgrade) {
  auto& daemon = service.daemon();
  ::kill(daemon.workers(2).front(), SIGKILL);
  ASSERT_TRUE(daemon.logs("is ready"));
  ASSERT_TRUE(service.reload());
  ASSERT_TRUE(service.grow());
  service.install(next_program());
  ASSERT_TRUE(service.upgrade());
  EXPECT_EQ(events(), (std::vector{EventKind::kStarted, EventKind::kCrashed, EventKind::kRespawned,
                                   EventKind::kReloaded, EventKind::kScaled, EventKind::kUpgraded,
                                   EventKind::kReloaded}));
  const auto now = status();
  EXPECT_EQ(now.version, "9.9.9-next");
  EXPECT_EQ(now.state, ServiceState::kServing);
  EXPECT_EQ(now.generation, 3U);
  EXPECT_EQ(now.reloads, 2U);
  EXPECT_EQ(now.worker_restarts(), 1U);
  EXPECT_EQ(now.slots.size(), 3U);
}

struct OnTheScoreboardOfASmallService : OnTheScoreboard {
  OnTheScoreboardOfASmallService()
      : OnTheScoreboard({"--workers", "1", "--worker-connections", "1", "--watchdog", "800ms"}) {}
};

TEST_F(OnTheScoreboardOfASmallService, IsALimitThatAWorkerHasReachedAndHowBusyItIs) {
  Client first(service.port());
  EXPECT_EQ(first.echo("hi"), "hi");
  const Client waits(service.port());
  ASSERT_TRUE(eventually([this] { return events().back() == EventKind::kLimitReached; }));
  EXPECT_THAT(
      board->master().events.read().back().text,
      ::testing::HasSubstr("has paused accepting with 1 connection open: --worker-connections is reached"));
  ASSERT_TRUE(eventually([this, &first] {
    EXPECT_EQ(first.echo("hi"), "hi");
    return status().totals.watched_nanoseconds > 0;
  }));
  EXPECT_GT(status().totals.busy_nanoseconds, 0U);
  EXPECT_LE(status().slots[0].busy_ratio, 1);
}

}  // namespace
}  // namespace tcp_echo::test
