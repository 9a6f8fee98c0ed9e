// SIGTTIN, SIGTTOU, and workers that are replaced one by one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "system/crowd.hpp"
#include "system/faults.hpp"
#include "system/service.hpp"
#include "system/traffic.hpp"

namespace tcp_echo::test {
namespace {

using testing::HasSubstr;

TEST(Scale, ShrinkingLosesNobodyWhoWaitsInAnAcceptQueue) {
  Service service({"--workers", "3", "--idle-timeout", "0"});
  ASSERT_TRUE(service.daemon().is_serving());
  Stream stream(service.port(), 4);
  for (std::size_t i = 0; i < rounds(10); ++i) {
    ASSERT_TRUE(service.shrink());
    ASSERT_TRUE(service.shrink());
    const auto served = stream.served();
    EXPECT_TRUE(eventually([&] { return stream.served() > served + 50; })) << "the listeners of who has gone";
    ASSERT_TRUE(service.grow());
    ASSERT_TRUE(service.grow());
  }
  const auto counts = stream.finish();
  EXPECT_EQ(counts.lost + counts.refused + counts.wrong, 0U);
  EXPECT_EQ(service.daemon().stop().exit_code, 0);
}

TEST(Scale, KeepsEveryCountAndBalances) {
  Service service({"--workers", "1", "--idle-timeout", "0"});
  auto clients = connect_many(service.port(), 30);
  for (auto& client : clients) ASSERT_EQ(client.echo("hi"), "hi");
  ASSERT_TRUE(service.grow());
  ASSERT_TRUE(service.grow());
  auto more = connect_many(service.port(), 30);
  for (auto& client : more) ASSERT_EQ(client.echo("hi"), "hi");
  ASSERT_TRUE(service.shrink());
  ASSERT_TRUE(service.shrink());
  const auto ledger = service.ledger();
  EXPECT_EQ(ledger.active, 60U);
  EXPECT_EQ(ledger.accepted, 60U);
  EXPECT_EQ(ledger.closed, 0U);
  EXPECT_EQ(ledger.handed_over_in, ledger.handed_over_out);
  for (auto& client : clients) EXPECT_EQ(client.echo("still"), "still");
  for (auto& client : more) EXPECT_EQ(client.echo("still"), "still");
}

/// Clients that wait on the listeners of two slots, of which only the first has a worker.
std::vector<Client> waiting_for_a_stopped_worker(Service& service, pid_t worker) {
  ::kill(worker, SIGSTOP);
  auto waiting = connect_many(service.port(), 30);
  for (const auto& client : waiting) EXPECT_TRUE(client.send("ping"));
  return waiting;
}

void expect_to_be_served_to_the_end(std::vector<Client>& clients) {
  std::size_t lost = 0;
  for (auto& client : clients) {
    client.half_close();
    lost += client.receive_all() == "ping" && client.end() == End::kFin ? 0U : 1U;
  }
  EXPECT_EQ(lost, 0U);
}

TEST(Scale, AStopServesWhoWaitsForASlotThatWasScaledAwayAlsoIfItsBorrowerDiesMeanwhile) {
  Service service({"--workers", "2", "--watchdog", "0"});
  ASSERT_TRUE(service.daemon().is_serving());
  ASSERT_TRUE(service.shrink());
  const auto borrower = service.daemon().workers(1).front();
  auto waiting = waiting_for_a_stopped_worker(service, borrower);
  service.daemon().signal(SIGTERM);
  ASSERT_TRUE(service.daemon().logs("stopping gracefully"));
  ::kill(borrower, SIGKILL);
  expect_to_be_served_to_the_end(waiting);
  EXPECT_EQ(service.daemon().wait().exit_code, 0);
}

TEST(Scale, AStopServesWhoWaitsForASlotThatWasScaledAwayAlsoWhenTheOnlyWorkerIsDead) {
  Service service(
      {"--workers", "2", "--watchdog", "0", "--respawn-delay-min", "1h", "--respawn-delay-max", "1h"});
  ASSERT_TRUE(service.daemon().is_serving());
  ASSERT_TRUE(service.shrink());
  const auto first = service.daemon().workers(1).front();
  ::kill(first, SIGKILL);  // the next one is started at once
  const auto second = service.daemon().worker_after(first);
  ASSERT_TRUE(service.daemon().logs("is ready"));
  auto waiting = waiting_for_a_stopped_worker(service, second);
  ::kill(second, SIGKILL);
  ASSERT_TRUE(service.daemon().logs("starting another in 1h"));
  service.daemon().signal(SIGTERM);
  expect_to_be_served_to_the_end(waiting);
  EXPECT_EQ(service.daemon().wait().exit_code, 0);
}

TEST(Scale, NeverGoesBelowOneWorker) {
  Service service({"--workers", "1"});
  ASSERT_TRUE(service.daemon().is_serving());
  service.daemon().signal(SIGTTOU);
  EXPECT_TRUE(service.daemon().logs("already 1 worker; not changed"));
  EXPECT_EQ(Client(service.port()).echo("hi"), "hi");
}

TEST(Scale, HoldsUntilAReloadWhoseConfigurationNamesAnotherCount) {
  Service service({}, "workers = 1\n");
  ASSERT_TRUE(service.daemon().is_serving());
  ASSERT_TRUE(service.grow());
  ASSERT_TRUE(service.reload());
  EXPECT_EQ(service.daemon().running_workers().size(), 2U);
  service.configure("workers = 3\n");
  ASSERT_TRUE(service.reload());
  EXPECT_EQ(service.daemon().running_workers().size(), 3U);
}

TEST(Scale, ThatFailsLeavesTheOthersServing) {
  const Faults faults("");
  Service service({"--workers", "1"}, "", {.environment = {faults.variable()}});
  Crowd crowd(service.port(), 10);
  faults.become("2 abort\n");
  service.daemon().signal(SIGTTIN);
  EXPECT_TRUE(service.daemon().logs("scaling failed: worker 2 "));
  faults.become("");
  EXPECT_TRUE(service.grow());
  const auto counts = crowd.finish();
  EXPECT_EQ(counts.broken(), 0U) << counts.text();
}

// ---- one worker

TEST(Restart, OfAWorkerThatGetsTermIsNotNoticedByItsClients) {
  Service service({"--workers", "2"});
  Crowd crowd(service.port(), 50);
  Stream stream(service.port(), 2);
  for (std::size_t i = 0; i < rounds(10); ++i) {
    const auto worker = service.daemon().workers(2).at(i % 2);
    ::kill(worker, i % 3 == 0 ? SIGQUIT : SIGTERM);
    ASSERT_TRUE(eventually([&] { return !is_alive(worker); })) << service.daemon().log();
  }
  const auto served = stream.finish();
  EXPECT_EQ(served.lost + served.refused + served.wrong, 0U);
  const auto counts = crowd.finish();
  EXPECT_EQ(counts.broken(), 0U) << counts.text();
  EXPECT_THAT(service.daemon().log(), HasSubstr("starting a successor for worker 1 (pid "));
}

TEST(Restart, OfWorkersThatGetTermAtAnyMomentOfTheirLivesIsNoCrash) {
  Service service({"--workers", "2"});
  ASSERT_TRUE(service.daemon().is_serving());
  std::atomic<bool> over{false};
  std::thread storm([&] {
    while (!over) {
      for (const auto worker : service.daemon().running_workers()) ::kill(worker, SIGTERM);
      pause_for(std::chrono::milliseconds(1));  // for the workers to have a processor
    }
  });
  const auto restarts = [&] { return count_of(service.daemon().log(), " exited with code 0 after "); };
  bool goes_on = true;  // the storm takes its share of a busy machine: patience is for a tenth
  for (std::size_t tenth = 1; goes_on && tenth <= 10; ++tenth)
    goes_on = eventually([&] { return restarts() >= rounds(100) * tenth / 10; });
  EXPECT_TRUE(goes_on) << restarts();
  over = true;
  storm.join();
  EXPECT_EQ(count_of(service.daemon().stop().log, "died from SIGTERM"), 0U);
}

TEST(Restart, IsTriedAgainWhileNoSuccessorBecomesReady) {
  const Faults faults("");
  Service service({"--workers", "1"}, "", {.environment = {faults.variable()}});
  const auto worker = service.daemon().workers(1).front();
  Crowd crowd(service.port(), 10);
  faults.become("1 abort\n");
  ::kill(worker, SIGTERM);
  ASSERT_TRUE(service.daemon().logs("; it serves on, next try in 100ms"));
  ASSERT_TRUE(eventually([&] { return count_of(service.daemon().log(), "has no successor") >= 3; }));
  EXPECT_TRUE(is_alive(worker));
  faults.become("");
  EXPECT_TRUE(eventually([&] { return !is_alive(worker); }));
  const auto counts = crowd.finish();
  EXPECT_EQ(counts.broken(), 0U) << counts.text();
}

TEST(Restart, ComesByItselfAfterSoManyConnections) {
  Service service({"--workers", "2", "--worker-recycle-after", "100"});
  const auto former = service.daemon().workers(2);
  Crowd crowd(service.port(), 10);
  Stream stream(service.port(), 4);
  const auto has_gone = [](pid_t pid) { return !is_alive(pid); };
  EXPECT_TRUE(eventually([&] { return std::all_of(former.begin(), former.end(), has_gone); }));
  const auto served = stream.finish();
  EXPECT_GE(served.served, 200U) << "it was too early";
  EXPECT_EQ(served.lost + served.refused + served.wrong, 0U);
  const auto counts = crowd.finish();
  EXPECT_EQ(counts.broken(), 0U) << counts.text();
}

}  // namespace
}  // namespace tcp_echo::test
