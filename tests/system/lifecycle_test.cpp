// Start, stop, signals, and what a master does for its workers.

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "system/client.hpp"
#include "system/daemon.hpp"
#include "system/faults.hpp"
#include "system/traffic.hpp"

namespace tcp_echo::test {
namespace {

std::filesystem::path log_path() {
  return std::filesystem::path(testing::TempDir()) / ("tcp-echo-log." + std::to_string(::getpid()));
}

class StopSignal : public testing::TestWithParam<int> {};

TEST_P(StopSignal, StopsGracefullyWithCodeZeroAndLeavesNothingBehind) {
  Daemon daemon(Daemon::on_free_port({"--workers", "2"}));
  EXPECT_EQ(Client(daemon.port()).echo("hi"), "hi");
  daemon.signal(GetParam());
  const auto outcome = daemon.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.log;
  EXPECT_TRUE(daemon.survivors().empty());
  EXPECT_EQ(outcome.log.find("error"), std::string::npos) << outcome.log;
}

INSTANTIATE_TEST_SUITE_P(Each, StopSignal, testing::Values(SIGTERM, SIGQUIT, SIGINT));

TEST(Stop, ADrainingWorkerEchoesOnUntilTheClientIsDone) {
  Daemon daemon(Daemon::on_free_port({"--workers", "1"}));
  Client client(daemon.port());
  EXPECT_EQ(client.echo("before"), "before");
  daemon.signal(SIGTERM);
  ASSERT_TRUE(daemon.logs("stopping gracefully"));
  for (int i = 0; i < 50; ++i) ASSERT_EQ(client.echo("during"), "during");
  client.half_close();
  EXPECT_EQ(client.receive_all(), "");
  EXPECT_EQ(client.end(), End::kFin);
  EXPECT_EQ(daemon.wait().exit_code, 0);
}

TEST(Stop, WhoWaitsAtTheConnectionLimitIsServedAsPlacesBecomeFree) {
  Daemon daemon(
      Daemon::on_free_port({"--workers", "1", "--worker-connections", "1", "--shutdown-timeout", "60s"}));
  auto clients = connect_many(daemon.port(), 3);
  for (const auto& client : clients) ASSERT_TRUE(client.send("ping"));
  ASSERT_EQ(clients.front().receive(4), "ping");
  daemon.signal(SIGTERM);
  ASSERT_TRUE(daemon.logs("stopping gracefully"));
  clients.front().close();
  for (std::size_t i = 1; i < clients.size(); ++i) {
    EXPECT_EQ(clients[i].receive(4), "ping");
    clients[i].close();
  }
  EXPECT_EQ(daemon.wait().exit_code, 0);
}

TEST(Stop, AQuietConnectionGetsFinAndNotReset) {
  Daemon daemon(Daemon::on_free_port({"--workers", "1"}));
  Client client(daemon.port());
  EXPECT_EQ(client.echo("hi"), "hi");
  daemon.signal(SIGTERM);
  EXPECT_EQ(client.receive_all(), "");
  EXPECT_EQ(client.end(), End::kFin);
  client.close();
  EXPECT_EQ(daemon.wait().exit_code, 0);
}

TEST(Stop, EveryByteThatWasTakenComesBackAlsoToAClientThatReadsLate) {
  Daemon daemon(Daemon::on_free_port({"--workers", "1", "--shutdown-timeout", "60s"}));
  Client client(daemon.port());
  const auto bytes = random_bytes(4UL << 20);
  ASSERT_TRUE(client.send(bytes));
  daemon.signal(SIGTERM);
  ASSERT_TRUE(daemon.logs("stopping gracefully"));
  EXPECT_TRUE(client.receive(bytes.size()) == bytes);
  EXPECT_EQ(client.receive_all(), "");
  client.close();
  EXPECT_EQ(daemon.wait().exit_code, 0);
}

TEST(Stop, TheShutdownTimeoutEndsAStopThatAClientHoldsUpAndTheClientSeesAReset) {
  Daemon daemon(Daemon::on_free_port({"--workers", "1", "--shutdown-timeout", "300ms"}));
  Client client(daemon.port());
  const auto bytes = random_bytes(64UL << 20);
  const auto sent = client.send_until_stuck(bytes);
  daemon.signal(SIGTERM);
  EXPECT_EQ(daemon.wait().exit_code, 0);
  EXPECT_LT(client.receive_all().size(), sent);
  EXPECT_EQ(client.end(), End::kReset) << "a FIN would make a part look like the whole";
}

/// A stop at a random moment, while clients keep connecting.
StreamCounts stop_under_a_stream(std::uint32_t seed, std::optional<int> without_capability) {
  auto launch = Daemon::on_free_port({"--workers", "2"});
  launch.dropped_capability = without_capability;
  Daemon daemon(std::move(launch));
  Stream stream(daemon.port(), 2);
  EXPECT_TRUE(eventually([&] { return stream.served() > 20 + seed % 40; }));
  EXPECT_EQ(daemon.stop().exit_code, 0);
  return stream.finish();
}

void stop_many_times_under_streams(std::size_t stops, std::optional<int> without_capability) {
  constexpr std::size_t kAtATime = 6;  // each waits most of the time
  std::atomic<std::size_t> begun{0};
  std::atomic<std::size_t> served{0};
  std::atomic<std::size_t> lost{0};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kAtATime; ++i) {
    threads.emplace_back([&] {
      for (auto stop = begun++; stop < stops; stop = begun++) {
        const auto counts = stop_under_a_stream(static_cast<std::uint32_t>(stop), without_capability);
        served += counts.served;
        lost += counts.lost + counts.wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::printf("[ measured ] over %zu stops: %zu connections served, %zu lost\n", stops, served.load(),
              lost.load());
  EXPECT_EQ(lost, 0U);
}

// Takes its time: what it guards against is a matter of luck, and each stop waits for the last client.
TEST(Stop, UnderAStreamOfClientsResetsNobodyWhoIsConnected) {
  stop_many_times_under_streams(rounds(300), {});
}

TEST(Stop, UnderAStreamOfClientsResetsNobodyEitherWhereNoFilterMayBeAttached) {
  stop_many_times_under_streams(rounds(60), CAP_NET_ADMIN);
}

TEST(Stop, WhileAWorkerIsDeadServesWhoWaitsForIt) {
  Daemon daemon(Daemon::on_free_port({"--workers", "1", "--watchdog", "0"}));
  const auto port = daemon.port();
  const auto worker = daemon.workers(1).front();
  ::kill(worker, SIGSTOP);
  Client waiting(port);
  ASSERT_TRUE(waiting.send("ping"));
  daemon.signal(SIGTERM);
  ASSERT_TRUE(daemon.logs("stopping gracefully"));
  ::kill(worker, SIGKILL);
  EXPECT_EQ(waiting.receive(4), "ping");
  waiting.close();
  EXPECT_EQ(daemon.wait().exit_code, 0);
}

TEST(Stop, OfSixteenWorkersAtOnceStartsNoOther) {
  for (std::size_t round = 0; round < rounds(10); ++round) {
    Daemon daemon(Daemon::on_free_port({"--workers", "16"}));
    ASSERT_TRUE(daemon.is_serving());
    const auto log = daemon.stop().log;  // all of them end in the same moment
    ASSERT_EQ(count_of(log, "exited with code 0"), 16U) << log;
  }
}

TEST(Stop, AWorkerThatHangsAndItsSuccessorThatHangsDoNotHoldItUp) {
  const Faults faults("");
  Daemon daemon(faults.launch(
      {"--workers", "1", "--watchdog", with_patience("300ms", "4s"), "--shutdown-timeout", "1h"}));
  ASSERT_TRUE(daemon.is_serving());
  faults.become("1 spin\n");
  ::kill(daemon.workers(1).front(), SIGSTOP);
  const auto outcome = daemon.stop();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.log;
  EXPECT_NE(outcome.log.find("died from SIGABRT"), std::string::npos) << outcome.log;
}

TEST(Stop, IsNotHeldUpByAWorkerThatIsNeverReady) {
  const Faults faults("2 mute\n");
  const auto ready_timeout = with_patience("1500ms", "15s");
  Daemon daemon(
      faults.launch({"--workers", "2", "--ready-timeout", ready_timeout, "--shutdown-timeout", "1h"}));
  ASSERT_TRUE(eventually([&] { return daemon.running_workers().size() == 2; }));
  const auto outcome = daemon.stop();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.log;
  EXPECT_NE(outcome.log.find("is not ready after " + ready_timeout), std::string::npos) << outcome.log;
}

TEST(Stop, ASecondTermStopsAtOnceWithCodeZero) {
  Daemon daemon(
      Daemon::on_free_port({"--workers", "2", "--shutdown-timeout", "1h", "--linger-timeout", "1h"}));
  Client client(daemon.port());
  EXPECT_EQ(client.echo("hi"), "hi");
  daemon.signal(SIGTERM);
  ASSERT_TRUE(daemon.logs("stopping gracefully"));
  daemon.signal(SIGTERM);
  const auto outcome = daemon.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.log;
  EXPECT_NE(outcome.log.find("stopping at once"), std::string::npos);
}

TEST(Stop, AWorkerThatHangsIsKilledWhenTimeIsUp) {
  Daemon daemon(Daemon::on_free_port({"--workers", "1", "--shutdown-timeout", "200ms"}));
  ASSERT_TRUE(daemon.is_serving());
  ::kill(daemon.workers(1).front(), SIGSTOP);
  const auto outcome = daemon.stop();
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_NE(outcome.log.find("was to end and has not; killing it"), std::string::npos) << outcome.log;
}

TEST(Stop, DuringTheStartIsCleanToo) {
  for (int round = 0; round < 5; ++round) {
    Daemon daemon(Daemon::on_free_port({"--workers", "2", "--log-level", "debug"}));
    // At any moment after the handlers stand: the first worker process is the earliest sign from outside.
    ASSERT_TRUE(eventually([&] { return daemon.survivors().size() > 1; }));
    const auto outcome = daemon.stop();
    EXPECT_EQ(outcome.exit_code, 0) << outcome.log;
    EXPECT_TRUE(eventually([&] { return daemon.survivors().empty(); }));
  }
}

TEST(Workers, AreSessionsOfTheirOwnWithTitles) {
  Daemon daemon(Daemon::on_free_port({"--workers", "2"}));
  ASSERT_TRUE(daemon.is_serving());
  EXPECT_EQ(proc_status(daemon.pid(), "Name"), "tcp-echo[mastr]");
  for (const pid_t worker : daemon.workers(2)) {
    ASSERT_GT(worker, 0);
    EXPECT_EQ(::getsid(worker), worker);
  }
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(Workers, HoldNoMoreDescriptorsThanTheyWereGiven) {
  Daemon daemon(Daemon::on_free_port({"--workers", "2"}));
  ASSERT_TRUE(daemon.is_serving());
  for (const pid_t worker : daemon.workers(2)) {
    for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(worker) + "/fd")) {
      std::error_code error;
      const auto target = std::filesystem::read_symlink(entry.path(), error).string();
      EXPECT_EQ(target.find("tcp-echo-master"), std::string::npos) << "the program file is still open";
    }
  }
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(Workers, IgnoreTheSignalsThatAreMeantForTheMaster) {
  Daemon daemon(Daemon::on_free_port({"--workers", "1"}));
  const auto port = daemon.port();
  const auto worker = daemon.workers(1).front();
  for (const int number : {SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU, SIGPIPE})
    ::kill(worker, number);
  EXPECT_EQ(Client(port).echo("still here"), "still here");
  EXPECT_EQ(daemon.workers(1).front(), worker);
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(Workers, ThatDieAreReplacedOnTheSameListener) {
  Daemon daemon(Daemon::on_free_port({"--workers", "1"}));
  const auto port = daemon.port();
  for (const int number : {SIGKILL, SIGABRT, SIGTERM}) {
    const auto worker = daemon.workers(1).front();
    ASSERT_EQ(Client(port).echo("hi"), "hi");
    ::kill(worker, number);
    ASSERT_TRUE(eventually([&] { return daemon.workers(1).front() != worker; }));
    EXPECT_EQ(Client(port).echo("hi again"), "hi again")
        << "it waited in the queue of the dead one's listener";
  }
  const auto outcome = daemon.stop();
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_NE(outcome.log.find("died from SIGKILL after "), std::string::npos) << outcome.log;
  EXPECT_NE(outcome.log.find("; starting another"), std::string::npos) << outcome.log;
}

TEST(Workers, CountersOutliveThem) {
  Daemon daemon(Daemon::on_free_port({"--workers", "1"}));
  const auto port = daemon.port();
  const auto worker = daemon.workers(1).front();
  Client first(port);
  ASSERT_EQ(first.echo("12345"), "12345");
  ::kill(worker, SIGKILL);
  ASSERT_TRUE(daemon.logs("with 1 connection open"));
  EXPECT_EQ(Client(port).echo("678"), "678");
  const auto outcome = daemon.stop();
  EXPECT_NE(outcome.log.find("worker 1 served 2 connections: 8 B received"), std::string::npos)
      << outcome.log;
}

TEST(Master, KilledLeavesNoOrphan) {
  Daemon daemon(Daemon::on_free_port({"--workers", "2"}));
  Client client(daemon.port());
  ASSERT_EQ(client.echo("hi"), "hi");
  daemon.signal(SIGKILL);
  EXPECT_EQ(client.receive_all(), "");
  EXPECT_EQ(client.end(), End::kFin);
  client.close();
  EXPECT_EQ(daemon.wait().exit_code, -SIGKILL);
  EXPECT_TRUE(eventually([&] { return daemon.survivors().empty(); }));
  EXPECT_NE(daemon.log().find("the master is gone"), std::string::npos);
}

TEST(Master, RestartsOnAPortThatClientsStillHaveConnectionsOn) {
  std::uint16_t port = 0;
  std::vector<Client> clients;
  {
    Daemon daemon(Daemon::on_free_port({"--workers", "2", "--shutdown-timeout", "1ms"}));
    port = daemon.port();
    clients = connect_many(port, 20);
    for (auto& client : clients) ASSERT_EQ(client.echo("hi"), "hi");
    EXPECT_EQ(daemon.stop().exit_code, 0);
  }
  Daemon next({{"--listen", "127.0.0.1:" + std::to_string(port)}});
  EXPECT_EQ(next.port(), port);
  EXPECT_EQ(Client(port).echo("hi"), "hi");
  EXPECT_EQ(next.stop().exit_code, 0);
}

TEST(Master, StartsWithoutAnyStandardDescriptor) {
  Launch launch = Daemon::on_free_port({"--log-file", log_path().string()});
  launch.closed_descriptors = {0, 1, 2};
  Daemon daemon(std::move(launch));
  ASSERT_TRUE(eventually([&] { return content(log_path()).find("serving on ") != std::string::npos; }));
  const auto worker = daemon.workers(1).front();
  for (const int fd : {0, 1}) {
    EXPECT_EQ(std::filesystem::read_symlink("/proc/" + std::to_string(worker) + "/fd/" + std::to_string(fd)),
              "/dev/null");
  }
  EXPECT_EQ(daemon.stop().exit_code, 0);
  std::filesystem::remove(log_path());
}

TEST(Master, PinsWorkersToCpusWhenAsked) {
  Daemon daemon(Daemon::on_free_port({"--workers", "2", "--cpu-affinity", "auto"}));
  ASSERT_TRUE(daemon.is_serving());
  for (const pid_t worker : daemon.workers(2)) {
    const auto cpus = proc_status(worker, "Cpus_allowed_list");
    EXPECT_EQ(cpus.find_first_of(",-"), std::string::npos) << "more than one CPU: " << cpus;
  }
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(Log, GoesToTheFileFromAllProcesses) {
  Daemon daemon(
      Daemon::on_free_port({"--workers", "1", "--log-level", "debug", "--log-file", log_path().string()}));
  ASSERT_TRUE(eventually([&] { return content(log_path()).find("serving on ") != std::string::npos; }));
  EXPECT_EQ(daemon.stop().exit_code, 0);
  EXPECT_NE(content(log_path()).find("tcp-echo[mastr]"), std::string::npos);
  EXPECT_NE(content(log_path()).find("tcp-echo[wrk1]"), std::string::npos);
  EXPECT_EQ(daemon.log(), "");
  std::filesystem::remove(log_path());
}

}  // namespace
}  // namespace tcp_echo::test
