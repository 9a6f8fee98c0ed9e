// Connections that change workers, in every state that one can be in; and workers that die while they do.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <random>
#include <thread>

#include "system/crowd.hpp"
#include "system/faults.hpp"
#include "system/service.hpp"
#include "system/traffic.hpp"
#include "tcp_echo/base/limits.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

TEST(HandedOver, AFloodComesBackWholeAndInOrder) {
  Service service({"--workers", "2"});
  Client client(service.port());
  const auto bytes = random_bytes(is_instrumented() ? 4UL << 20U : 64UL << 20U);
  std::thread sender([&] {
    EXPECT_TRUE(client.send(bytes));
    client.half_close();
  });
  std::string back;
  for (std::size_t part = 0; part < 8; ++part) {
    back += client.receive(bytes.size() / 8);
    EXPECT_TRUE(service.reload());
  }
  back += client.receive_all();
  sender.join();
  EXPECT_TRUE(back == bytes);
  EXPECT_EQ(client.end(), End::kFin);
}

TEST(HandedOver, ALingeringConnectionIsResetWhenItsTimeIsUp) {
  Service service({"--workers", "1", "--idle-timeout", "300ms", "--linger-timeout", "3s"});
  Client client(service.port());
  ASSERT_EQ(client.echo("hi"), "hi");
  const auto begin = Clock::now();
  EXPECT_EQ(client.receive_all(), "");
  EXPECT_EQ(client.end(), End::kFin);
  ASSERT_TRUE(service.reload());
  EXPECT_EQ(service.ledger().active, 1U);
  const auto ledger = service.ledger_with(0);
  EXPECT_EQ(ledger.handed_over_in, 1U);
  EXPECT_EQ(ledger.closed, 1U);
  EXPECT_LT(since(begin), patience());
  EXPECT_FALSE(client.send("too late")) << "it was not reset";
}

TEST(HandedOver, ALingeringConnectionWhosePeerIsDoneEndsInPeace) {
  Service service({"--workers", "1", "--idle-timeout", "300ms", "--linger-timeout", "1m"});
  Client client(service.port());
  ASSERT_EQ(client.echo("hi"), "hi");
  EXPECT_EQ(client.receive_all(), "");
  ASSERT_TRUE(service.reload());
  client.half_close();
  EXPECT_EQ(service.ledger_with(0).closed, 1U);
}

TEST(HandedOver, AnIdleConnectionKeepsItsAge) {
  const auto idle = is_instrumented() ? 6s : 2s;
  Service service(
      {"--workers", "1", "--idle-timeout", std::to_string(idle.count()) + "s", "--idle-notice", "bye"});
  Client client(service.port());
  ASSERT_EQ(client.echo("hi"), "hi");
  const auto begin = Clock::now();
  // Each of these would begin the time anew if the age were lost.
  std::chrono::milliseconds last_began{};
  do {
    last_began = since(begin);
    ASSERT_TRUE(service.reload());
  } while (since(begin) < idle * 3 / 4);
  EXPECT_EQ(client.receive_all(), "bye");
  EXPECT_GE(since(begin), idle - 100ms);
  if (last_began > idle / 4) {  // else one reload has taken all of the time
    EXPECT_LT(since(begin), last_began + idle);
  }
}

TEST(HandedOver, TenThousandConnectionsMoveFast) {
  const std::size_t count = is_instrumented() ? 500 : 10'000;
  raise_open_files_limit();
  Service service({"--workers", "1", "--idle-timeout", "0"});
  auto clients = connect_many(service.port(), count);
  for (auto& client : clients) ASSERT_EQ(client.echo("before"), "before");
  const auto former = service.daemon().workers(1).front();
  service.daemon().signal(SIGHUP);
  ASSERT_TRUE(service.daemon().logs("reloaded: "));
  const auto begin = Clock::now();
  ASSERT_TRUE(eventually([&] { return !is_alive(former); }));
  const auto took = since(begin);
  std::cout << count << " connections have moved in " << took.count() << " ms\n";
  EXPECT_LT(took, 5s) << "it is a fraction of a second where nothing else runs";
  const auto ledger = service.ledger();
  EXPECT_EQ(ledger.active, count);
  EXPECT_EQ(ledger.handed_over_in, count);
  for (auto& client : clients) ASSERT_EQ(client.echo("after"), "after");
}

TEST(HandedOver, ToAWorkerWithoutRoomForDescriptorsTheyGoToAnotherOrStay) {
  auto launch = Launch{};
  launch.open_files = 64;
  Service service({"--workers", "3", "--idle-timeout", "0"}, "", std::move(launch));
  auto clients = connect_many(service.port(), 72);
  for (auto& client : clients) ASSERT_TRUE(client.send("ping"));
  for (auto& client : clients) EXPECT_EQ(client.receive(4), "ping");
  // One worker cannot hold what three did.
  ASSERT_TRUE(service.shrink());
  service.daemon().signal(SIGTTOU);
  ASSERT_TRUE(service.daemon().logs("for no other worker has taken them; it serves them on"))
      << service.daemon().log();
  for (auto& client : clients) ASSERT_EQ(client.echo("still here"), "still here") << service.daemon().log();
  // Now there is room.
  service.daemon().signal(SIGTTIN);
  EXPECT_TRUE(service.daemon().logs("scaled to 2 workers"));
  EXPECT_TRUE(eventually([&] { return service.daemon().running_workers().size() == 2; }))
      << service.daemon().log();
  for (auto& client : clients) ASSERT_EQ(client.echo("and here"), "and here") << service.daemon().log();
  const auto ledger = service.ledger();
  EXPECT_EQ(ledger.active, 72U);
  EXPECT_EQ(ledger.closed, 0U);
}

TEST(HandedOver, ToAWorkerThatHangsTheyAreNotInDoubtAfterAnUpgradeEither) {
  Service service({"--workers", "1", "--idle-timeout", "0", "--watchdog", "20s"});
  auto clients = connect_many(service.port(), 100);
  for (auto& client : clients) ASSERT_EQ(client.echo("before"), "before");
  const auto former = service.daemon().workers(1).front();
  ::kill(former, SIGSTOP);  // until its successor is stopped
  service.daemon().signal(SIGHUP);
  ASSERT_TRUE(service.daemon().logs("reloaded: "));
  auto running = service.daemon().running_workers();
  std::erase(running, former);
  ASSERT_EQ(running.size(), 1U);
  ::kill(running.front(), SIGSTOP);
  ::kill(former, SIGCONT);
  ASSERT_TRUE(service.daemon().logs("for no other worker has taken them"));
  service.install(next_program());
  service.daemon().signal(SIGUSR2);
  ASSERT_TRUE(service.daemon().logs("reloaded: generation 3")) << service.daemon().log();
  ::kill(running.front(), SIGKILL);
  for (auto& client : clients) ASSERT_EQ(client.echo("after"), "after") << service.daemon().log();
  EXPECT_TRUE(eventually([&] { return !is_alive(former); })) << service.daemon().log();
  EXPECT_EQ(service.ledger().active, 100U);
}

// ---- one of the two dies

/// Words of worker/fault.hpp.
class Dying : public testing::TestWithParam<const char*> {};

TEST_P(Dying, WorkerInAHandOverLosesNoMoreThanItHad) {
  const Faults faults("");
  Service service({"--workers", "2", "--idle-timeout", "0"}, "", {.environment = {faults.variable()}});
  const std::string word = GetParam();
  auto clients = connect_many(service.port(), 200);
  for (auto& client : clients) ASSERT_EQ(client.echo("before"), "before");
  faults.become("1 " + word + "\n");
  service.daemon().signal(SIGHUP);
  ASSERT_TRUE(service.daemon().logs("died from SIGKILL")) << service.daemon().log();
  faults.become("");
  std::size_t lost = 0;
  for (auto& client : clients) {
    if (client.echo("after") != "after") ++lost;
  }
  const auto log = service.daemon().log();
  std::cout << lost << " of 200 lost, " << lost_with_workers(log) << " were open in the one that died\n";
  EXPECT_LE(lost, lost_with_workers(log)) << log;
  EXPECT_LT(lost, 200U);
  const auto ledger = service.ledger_with(200 - lost);
  EXPECT_EQ(ledger.accepted, 200U);
  EXPECT_EQ(ledger.closed, lost_with_workers(log));
  EXPECT_TRUE(eventually([&] { return service.daemon().running_workers().size() == 2; }));
}

INSTANTIATE_TEST_SUITE_P(HandedOver, Dying, testing::Values("giving", "taking", "taken"));

// ---- everything at once

/// One of the things that may happen to a service.
void do_something(Service& service, std::minstd_rand& random, std::size_t& workers) {
  switch (random() % 12) {
    case 0: service.daemon().signal(SIGHUP); break;
    case 1:
      service.install(random() % 2 == 0 ? next_program() : Daemon::program());
      service.daemon().signal(SIGUSR2);
      break;
    case 2:
      if (workers < 4) service.daemon().signal(SIGTTIN);
      workers = std::min<std::size_t>(workers + 1, 4);
      break;
    case 3:
      if (workers > 1) service.daemon().signal(SIGTTOU);
      workers = std::max<std::size_t>(workers - 1, 1);
      break;
    default: {
      const auto running = service.daemon().running_workers();
      if (!running.empty())
        ::kill(running[random() % running.size()], random() % 16 == 0 ? SIGKILL : SIGTERM);
    }
  }
}

TEST(Movement, InARandomOrderWithKillsLosesNoMoreThanTheKilledHad) {
  const auto seed = std::random_device{}();
  std::minstd_rand random(seed);
  Service service({"--workers", "2", "--idle-timeout", "0"});
  ASSERT_TRUE(service.daemon().is_serving());
  Crowd crowd(service.port(), 100);
  Stream stream(service.port(), 3);
  std::size_t workers = 2;
  for (std::size_t i = 0; i < rounds(100); ++i) {
    do_something(service, random, workers);
    pause_for(std::chrono::milliseconds(random() % 100));
  }
  ASSERT_TRUE(is_alive(service.daemon().pid())) << seed;
  ASSERT_TRUE(service.reload()) << seed << service.daemon().log();
  EXPECT_TRUE(eventually([&] { return service.daemon().running_workers().size() == workers; }))
      << seed << ": " << workers << service.daemon().log();
  const auto served = stream.finish();
  const auto counts = crowd.pause();
  const auto lost = lost_with_workers(service.daemon().log());
  std::cout << counts.text() << "; " << served.served << " new ones served, " << served.lost << " lost; "
            << lost << " were open in workers that were killed\n";
  EXPECT_EQ(counts.wrong + counts.missing + served.wrong + served.refused, 0U) << seed;
  // A worker may be killed between accept(2) and counting.
  const auto uncounted = count_of(service.daemon().log(), "died from SIGKILL");
  EXPECT_LE(counts.closed + counts.reset + served.lost, lost + uncounted) << seed << service.daemon().log();
  crowd.finish();
  const auto ledger = service.ledger_with(0);
  EXPECT_LE(ledger.accepted, 100 + served.served + served.lost) << seed;
  EXPECT_GE(ledger.accepted + uncounted, 100 + served.served + served.lost) << seed;
  EXPECT_EQ(ledger.closed, ledger.accepted + ledger.handed_over_in - ledger.handed_over_out) << seed;
  EXPECT_EQ(service.daemon().stop().exit_code, 0) << service.daemon().log();
}

}  // namespace
}  // namespace tcp_echo::test
