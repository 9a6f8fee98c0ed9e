// Workers that hang, and what must not be taken for it.

#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>

#include "system/client.hpp"
#include "system/daemon.hpp"
#include "system/faults.hpp"
#include "system/traffic.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

/// How long a client has to wait that connects when all is stopped; every byte of its has to come back.
std::chrono::milliseconds wait_of_a_client(std::uint16_t port) {
  const auto begin = Clock::now();
  EXPECT_EQ(Client(port).echo("hello"), "hello");
  return since(begin);
}

TEST(Watchdog, ClientsOfAStoppedWorkerAreServedByAnother) {
  Daemon daemon(Daemon::on_free_port({"--workers", "2", "--watchdog", "1s"}));
  const auto port = daemon.port();
  ::kill(daemon.workers(2).front(), SIGSTOP);
  const auto begin = Clock::now();
  auto clients = connect_many(port, 30);  // half of them wait for the one that is stopped
  for (auto& client : clients) EXPECT_EQ(client.echo("hi"), "hi");
  std::printf("[ measured ] --watchdog 1s: served after %ld ms\n", static_cast<long>(since(begin).count()));
  EXPECT_LT(since(begin), patience());
  EXPECT_TRUE(daemon.logs("has not turned for 1s (--watchdog); SIGABRT now, SIGKILL in 1s"));
  EXPECT_TRUE(daemon.logs("died from SIGABRT"));
  clients.clear();
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(Watchdog, WorkersThatAreStoppedUnderLoadCostOnlyTheConnectionsThatTheyHad) {
  Daemon daemon(Daemon::on_free_port({"--workers", "3", "--watchdog", "500ms"}));
  Stream stream(daemon.port(), 6);
  for (std::size_t stops = 0; stops < rounds(6); ++stops) {
    const auto served = stream.served();
    ASSERT_TRUE(eventually([&] { return stream.served() > served + 50; }));
    const auto victim = daemon.workers(3).at(stops % 3);
    ::kill(victim, SIGSTOP);
    ASSERT_TRUE(eventually([&] { return !is_alive(victim); })) << daemon.log();
  }
  const auto counts = stream.finish();
  const auto log = daemon.stop().log;
  EXPECT_EQ(counts.refused, 0U);
  EXPECT_EQ(counts.wrong, 0U);
  EXPECT_LE(counts.lost, lost_with_workers(log)) << "some were reset before a worker had them";
}

TEST(Watchdog, WhenAllWorkersAreStoppedClientsAreServedByTheirSuccessors) {
  Daemon daemon(Daemon::on_free_port({"--workers", "2", "--watchdog", "1s"}));
  const auto port = daemon.port();
  for (const auto worker : daemon.workers(2)) ::kill(worker, SIGSTOP);
  const auto waited = wait_of_a_client(port);
  std::printf("[ measured ] --watchdog 1s, all stopped: served after %ld ms\n",
              static_cast<long>(waited.count()));
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(Watchdog, AWorkerThatSpinsIsReplaced) {
  const Faults faults("1 spin\n");
  Daemon daemon(faults.launch({"--workers", "1", "--watchdog", "300ms"}));
  ASSERT_TRUE(daemon.logs("has not turned for 300ms"));
  faults.become("");
  EXPECT_EQ(Client(daemon.port()).echo("hi"), "hi");
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(Watchdog, TimeInWhichTheMasterStoodStillIsNobodysFault) {
  Daemon daemon(Daemon::on_free_port({"--workers", "2", "--watchdog", "1s"}));
  Client client(daemon.port());
  const auto workers = daemon.workers(2);
  for (int round = 0; round < 2; ++round) {
    // As a paused container: everything stands still for longer than the watchdog allows.
    for (const auto worker : workers) ::kill(worker, SIGSTOP);
    daemon.signal(SIGSTOP);
    pause_for(2500ms);
    daemon.signal(SIGCONT);
    for (const auto worker : workers) ::kill(worker, SIGCONT);
    EXPECT_EQ(client.echo("on we go"), "on we go");
  }
  client.close();
  EXPECT_EQ(daemon.workers(2), workers);
  EXPECT_EQ(daemon.stop().log.find("--watchdog"), std::string::npos);
}

TEST(Watchdog, ABusyWorkerIsNotTakenForOneThatHangs) {
  Daemon daemon(Daemon::on_free_port({"--workers", "1", "--watchdog", "1s"}));
  const auto worker = daemon.workers(1).front();
  Chatter chatter(connect_many(daemon.port(), 20));
  const auto end = Clock::now() + 3s;
  ASSERT_TRUE(eventually([&] { return Clock::now() > end; }));
  EXPECT_EQ(chatter.finish(), 0U);
  EXPECT_EQ(daemon.workers(1).front(), worker);
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

}  // namespace
}  // namespace tcp_echo::test
