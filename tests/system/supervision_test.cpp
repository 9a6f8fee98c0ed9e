// Workers that die, leave or do not even start, with clients whose every byte is checked.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <random>
#include <regex>

#include "system/client.hpp"
#include "system/daemon.hpp"
#include "system/faults.hpp"
#include "system/service.hpp"
#include "system/traffic.hpp"
#include "tcp_echo/net/listening_socket.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

// ---- death

TEST(Supervision, WhoWaitsInTheQueueOfAWorkerThatIsKilledIsServedByTheNext) {
  Daemon daemon(Daemon::on_free_port(
      {"--workers", "1", "--watchdog", "0", "--respawn-delay-min", "1ms", "--respawn-delay-max", "1ms"}));
  const auto port = daemon.port();
  const auto wanted = rounds(200);
  std::size_t lost = 0;
  for (std::size_t round = 0; round < wanted; ++round) {
    const auto worker = daemon.workers(1).front();
    ::kill(worker, SIGSTOP);
    Client waiting(port);
    const auto message = random_bytes(2000, static_cast<std::uint32_t>(round));
    ASSERT_TRUE(waiting.send(message));
    ::kill(worker, SIGKILL);
    if (waiting.receive(message.size()) != message) ++lost;
  }
  std::printf("[ measured ] %zu of %zu clients lost that waited in a dead worker's queue\n", lost, wanted);
  EXPECT_EQ(lost, 0U);
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

// Takes its time: each kill is to meet the daemon in another moment, and some of two hundred find it at work
// on the last.
TEST(Supervision, KillsInARowCostOnlyTheConnectionsThatAreOpenInTheDeadWorkers) {
  Daemon daemon(Daemon::on_free_port({"--workers", "3"}));
  Stream stream(daemon.port(), 6);
  std::mt19937 random(1);
  const auto wanted = rounds(200);
  for (std::size_t kills = 0; kills < wanted;) {
    const auto workers = daemon.running_workers();
    pause_for(std::chrono::milliseconds(random() % 60));
    if (workers.empty()) continue;
    constexpr std::array kSignals = {SIGKILL, SIGSEGV, SIGABRT};
    ::kill(workers[random() % workers.size()], kSignals[random() % kSignals.size()]);
    ++kills;
  }
  const auto served = stream.served();
  EXPECT_TRUE(eventually([&] { return stream.served() > served + 100; })) << "the service has gone";
  const auto counts = stream.finish();
  const auto log = daemon.stop().log;
  std::printf("[ measured ] over %zu kills: %zu served, %zu lost, %zu in dead workers, longest wait %ld ms\n",
              wanted, counts.served, counts.lost, lost_with_workers(log),
              static_cast<long>(counts.longest_wait.count()));
  EXPECT_EQ(counts.refused, 0U);
  EXPECT_EQ(counts.wrong, 0U);
  EXPECT_LE(counts.lost, lost_with_workers(log)) << "some were reset before a worker had them";
  EXPECT_LT(counts.longest_wait, wanted < 200 ? patience() : 10s) << "somebody waited for a backoff";
}

// A FIN would say that all is well, to a client whose bytes may have died with the worker.
TEST(Supervision, AWorkerThatIsKilledResetsItsConnectionsAndEndsNoneWithAFin) {
  const auto socket = value_or_throw(open_listener(*Endpoint::parse("127.0.0.1:0"), {.backlog = 100}));
  for (const bool is_inherited : {false, true}) {
    auto launch = Daemon::on_free_port({"--workers", "1"});
    if (is_inherited) launch.listen_fds = {socket.get()};
    Daemon daemon(std::move(launch));
    auto clients = connect_many(daemon.port(), 10);
    for (auto& client : clients) ASSERT_EQ(client.echo("hi"), "hi");
    ::kill(daemon.workers(1).front(), SIGKILL);
    for (auto& client : clients) {
      client.receive_all();
      EXPECT_EQ(client.end(), End::kReset);
    }
    EXPECT_EQ(daemon.stop().exit_code, 0);
  }
}

TEST(Supervision, AWorkerThatIsKilledWhileAConnectionLingersTakesNothingFromItsClient) {
  Daemon daemon(Daemon::on_free_port(
      {"--workers", "1", "--idle-timeout", "100ms", "--idle-notice", "quiet", "--linger-timeout", "1h"}));
  Client client(daemon.port());
  pollfd fin{client.fd(), POLLRDHUP, 0};  // only behind its FIN is the worker done with the connection
  ASSERT_EQ(::poll(&fin, 1, static_cast<int>(patience().count())), 1);
  const auto worker = daemon.workers(1).front();
  ::kill(worker, SIGKILL);
  ASSERT_NE(daemon.worker_after(worker), worker);
  EXPECT_EQ(client.receive_all(), "quiet");
  EXPECT_EQ(client.end(), End::kFin);
}

class Crash : public testing::TestWithParam<int> {};

TEST_P(Crash, OfOneWorkerIsNotNoticedByTheClientsOfTheOther) {
  Daemon daemon(Daemon::on_free_port({"--workers", "2"}));
  auto clients = clients_of_first_worker(daemon, 10);
  const auto victim = daemon.workers(2).at(1);
  Chatter chatter(std::move(clients));
  ASSERT_TRUE(eventually([&] { return chatter.echoes() > 100; }));
  ::kill(victim, GetParam());
  ASSERT_TRUE(daemon.logs("starting another at once")) << daemon.log();
  ASSERT_TRUE(daemon.logs("is ready"));
  const auto before = chatter.echoes();
  ASSERT_TRUE(eventually([&] { return chatter.echoes() > before + 100; }));
  EXPECT_EQ(chatter.finish(), 0U);
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST_P(Crash, OfAllWorkersAtOnceIsSurvived) {
  Daemon daemon(Daemon::on_free_port({"--workers", "3"}));
  const auto port = daemon.port();
  for (int round = 0; round < 3; ++round) {
    const auto workers = daemon.workers(3);
    for (const auto worker : workers) ::kill(worker, GetParam());
    for (auto& client : connect_many(port, 6)) EXPECT_EQ(client.echo("hi"), "hi");
    ASSERT_TRUE(eventually([&] { return daemon.workers(3) != workers; }));
  }
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

INSTANTIATE_TEST_SUITE_P(By, Crash, testing::Values(SIGKILL, SIGSEGV, SIGABRT));

TEST(Supervision, ADeathIsLoggedWithItsSignalItsAgeAndWhatHappensNext) {
  Daemon daemon(Daemon::on_free_port({"--workers", "1"}));
  ASSERT_TRUE(daemon.is_serving());
  const auto first = daemon.workers(1).front();
  ::kill(first, SIGKILL);
  ASSERT_TRUE(daemon.logs("starting another at once"));
  const auto second = daemon.worker_after(first);
  ::kill(second, SIGKILL);
  ASSERT_TRUE(daemon.logs("starting another in 100ms (2nd failure in a row)"));
  const auto log = daemon.stop().log;
  EXPECT_TRUE(
      std::regex_search(log, std::regex("worker 1 \\(pid " + std::to_string(first) +
                                        "\\) died from SIGKILL after [0-9.]+ s; starting another at once")))
      << log;
}

class CoresAllowed {
 public:
  CoresAllowed() {
    ::getrlimit(RLIMIT_CORE, &before_);
    const rlimit most{before_.rlim_max, before_.rlim_max};
    ::setrlimit(RLIMIT_CORE, &most);
  }
  ~CoresAllowed() { ::setrlimit(RLIMIT_CORE, &before_); }
  CoresAllowed(const CoresAllowed&) = delete;
  CoresAllowed& operator=(const CoresAllowed&) = delete;

 private:
  rlimit before_{};
};

bool leaves_a_core_in(const std::filesystem::path& folder) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (::chdir(folder.c_str()) != 0) ::_exit(1);
    ::signal(SIGSEGV, SIG_DFL);
    ::raise(SIGSEGV);
    ::_exit(1);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WCOREDUMP(status);
}

TEST(Supervision, ACoreThatWasDumpedIsMentioned) {
  if (is_instrumented()) GTEST_SKIP() << "a sanitizer takes the signal for itself and leaves no core";
  const Folder folder;  // where cores may land
  const CoresAllowed for_children;
  auto launch = Daemon::on_free_port({"--workers", "1"});
  launch.folder = (folder / "").string();
  Daemon daemon(std::move(launch));
  ASSERT_TRUE(daemon.is_serving());
  ::kill(daemon.workers(1).front(), SIGSEGV);
  // Whether cores can be had at all depends on the machine: limits, /proc/sys/kernel/core_pattern.
  const auto* const expected =
      leaves_a_core_in(folder / "") ? "died from SIGSEGV (core dumped) after" : "died from SIGSEGV after";
  EXPECT_TRUE(daemon.logs(expected)) << daemon.log();
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

// Takes its time: a leak of one respawn in a hundred is to show, and a process a time is what a respawn
// costs.
TEST(Supervision, HundredsOfRespawnsLeaveNoZombieNoDescriptorAndNoMemory) {
  Daemon daemon(
      Daemon::on_free_port({"--workers", "2", "--respawn-delay-min", "1ms", "--respawn-delay-max", "1ms"}));
  ASSERT_TRUE(daemon.is_serving());
  const auto kill_workers = [&daemon](std::size_t times) {
    for (std::size_t i = 0; i < times; ++i) {
      const auto worker = daemon.workers(2).at(i % 2);
      ::kill(worker, SIGKILL);
      ASSERT_TRUE(eventually([&] { return !is_alive(worker); }));
    }
    ASSERT_TRUE(eventually([&] { return daemon.workers(2).size() == 2; }));
  };
  kill_workers(rounds(50));
  ASSERT_TRUE(eventually([&] { return daemon.running_workers().size() == 2; }));
  const auto descriptors = open_descriptors(daemon.pid());
  const auto memory = std::stol(proc_status(daemon.pid(), "VmRSS"));
  kill_workers(rounds(300));
  ASSERT_TRUE(eventually([&] { return daemon.running_workers().size() == 2; }));
  EXPECT_TRUE(eventually([&] { return open_descriptors(daemon.pid()) == descriptors; }))
      << open_descriptors(daemon.pid()) << " after " << descriptors;
  const auto grown = std::stol(proc_status(daemon.pid(), "VmRSS")) - memory;
  std::printf("[ measured ] after %zu respawns: %zu descriptors as before, %ld KiB more\n", rounds(300),
              descriptors, grown);
  if (!is_instrumented()) {
    EXPECT_LT(grown, 300) << "KiB";
  }
  EXPECT_EQ(children_of(daemon.pid()).size(), 2U) << "a zombie was left";
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

/// Writes all of the memory in which the processes of that master count: what a worker could do that has gone
/// wild.
void scribble_on_scoreboard_of(const Daemon& daemon) {
  const auto memory = daemon.scoreboard();
  struct stat status {};
  ASSERT_EQ(::fstat(memory.get(), &status), 0) << "it has no scoreboard";
  const std::string nonsense(static_cast<std::size_t>(status.st_size), '\xff');
  ASSERT_EQ(::pwrite(memory.get(), nonsense.data(), nonsense.size(), 0), status.st_size);
}

TEST(Supervision, NonsenseThatAWorkerWritesIntoSharedMemoryLeadsNobodyAstray) {
  const Folder folder;
  const auto pid_file = folder / "pid";
  Service service({"--workers", "2", "--pid-file", pid_file.string()});
  auto& daemon = service.daemon();
  ASSERT_TRUE(daemon.is_serving());
  const auto scribble = [&daemon] { scribble_on_scoreboard_of(daemon); };
  scribble();
  ::kill(daemon.workers(2).front(), SIGKILL);
  ASSERT_TRUE(daemon.logs("is ready"));
  scribble();
  service.ledger();
  scribble();
  EXPECT_TRUE(service.reload()) << daemon.log();
  scribble();
  EXPECT_TRUE(service.upgrade()) << daemon.log();
  scribble();
  for (auto& client : connect_many(service.port(), 10)) EXPECT_EQ(client.echo("hi"), "hi");
  EXPECT_EQ(daemon.stop().exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(pid_file));
}

// ---- a start that fails

TEST(Supervision, ASlotThatFailsForAWhileIsServedByAnotherAndRecovers) {
  const Faults faults("2 abort\n");
  auto launch = faults.launch({"--workers", "2", "--respawn-delay-max", "300ms"});
  faults.become("");
  Daemon daemon(std::move(launch));
  ASSERT_TRUE(daemon.is_serving());
  faults.become("2 abort\n");
  const auto victim = daemon.workers(2).at(1);
  ::kill(victim, SIGKILL);
  ASSERT_TRUE(daemon.logs("the listeners of worker 2 are lent to worker 1"));
  auto clients = connect_many(daemon.port(), 40);  // half of them are on the listener of the one that fails
  for (auto& client : clients) EXPECT_EQ(client.echo("hi"), "hi");
  faults.become("");
  ASSERT_TRUE(daemon.logs("worker 1 gives them back"));
  for (auto& client : clients) EXPECT_EQ(client.echo("still"), "still");
  auto later = connect_many(daemon.port(), 40);
  for (auto& client : later) EXPECT_EQ(client.echo("hi"), "hi");
  clients.clear();
  later.clear();
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

/// Enough for a sound worker, also in a sanitizer's build, and little for five in a row that are not.
#ifdef __OPTIMIZE__
constexpr const char* kShortReadyTimeout = "300ms";
#else
constexpr const char* kShortReadyTimeout = "1s";
#endif

class FailingStart : public testing::TestWithParam<const char*> {};

TEST_P(FailingStart, OfAllWorkersEndsTheStartWith75AndTheReason) {
  const Faults faults(std::string("1 ") + GetParam() + "\n2 " + GetParam() + "\n");
  const auto outcome = run(faults.launch({"--workers", "2", "--ready-timeout", "500ms"}));
  EXPECT_EQ(outcome.exit_code, 75) << outcome.log;
  EXPECT_NE(outcome.log.find("tcp-echo-master: the workers could not become ready: worker "),
            std::string::npos)
      << outcome.log;
  EXPECT_NE(outcome.log.find("before it was ready"), std::string::npos) << outcome.log;
}

TEST_P(FailingStart, OfOneWorkerEndsTheStartAfterSomeTries) {
  const Faults faults(std::string("2 ") + GetParam() + "\n");
  const auto outcome = run(faults.launch({"--workers", "2", "--ready-timeout", kShortReadyTimeout,
                                          "--respawn-delay-min", "1ms", "--respawn-delay-max", "1ms"}));
  EXPECT_EQ(outcome.exit_code, 75) << outcome.log;
  EXPECT_EQ(count_of(outcome.log, "; starting another in "), 4U) << outcome.log;
}

TEST_P(FailingStart, IsStoppedByASignal) {
  const Faults faults(std::string("2 ") + GetParam() + "\n");
  Daemon daemon(faults.launch({"--workers", "2", "--respawn-delay-min", "1h", "--respawn-delay-max", "1h",
                               "--ready-timeout", "500ms", "--shutdown-timeout", "1s"}));
  ASSERT_TRUE(daemon.logs("; starting another in "));
  const auto outcome = daemon.stop();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.log;
}

INSTANTIATE_TEST_SUITE_P(By, FailingStart, testing::Values("abort", "exit", "mute"));

TEST(Supervision, AWorkerThatIsNotReadyInTimeIsKilledAndItsReadyCountsNoMore) {
  const Faults faults("2 mute\n");
  const auto ready_timeout = with_patience("1500ms", "15s");
  Daemon daemon(faults.launch({"--workers", "2", "--ready-timeout", ready_timeout}));
  ASSERT_TRUE(daemon.logs("is not ready after " + ready_timeout + " (--ready-timeout); killing it"));
  faults.become("");
  EXPECT_TRUE(daemon.is_serving());
  EXPECT_EQ(Client(daemon.port()).echo("hi"), "hi");
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

// ---- out of something

TEST(Supervision, OutOfDescriptorsWorkersDieAndAreReplacedAndNobodyIsClosed) {
  auto launch = Daemon::on_free_port({"--workers", "2"});
  launch.open_files = 64;
  Daemon daemon(std::move(launch));
  auto clients = connect_many(daemon.port(), 150);
  for (const auto& client : clients) ASSERT_TRUE(client.send("ping"));
  ASSERT_TRUE(daemon.logs("the open-files limit is reached"));
  const auto victim = daemon.workers(2).at(1);
  ::kill(victim, SIGKILL);
  ASSERT_TRUE(daemon.logs("died from SIGKILL"));
  std::size_t lost = 0;
  for (auto& client : clients) {
    lost += client.receive(4) == "ping" ? 0U : 1U;
    client.close();
  }
  EXPECT_LE(lost, lost_with_workers(daemon.log()));
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(Supervision, AWorkerAtItsLimitOfDescriptorsRefusesALoanAndLivesOn) {
  const Faults faults("");
  // Sixteen are held in reserve; forty listeners do not fit.
  std::vector<std::string> arguments = {"--workers", "2", "--respawn-delay-min", "10s"};
  for (int i = 2; i < 42; ++i) {
    arguments.insert(arguments.end(), {"--listen", "127.0.0." + std::to_string(i) + ":0"});
  }
  Launch launch{std::move(arguments)};
  launch.environment = {faults.variable()};
  launch.open_files = 120;  // the master holds eighty listeners itself
  Daemon daemon(std::move(launch));
  ASSERT_TRUE(daemon.is_serving()) << daemon.log();
  const auto ports = daemon.ports();
  constexpr std::size_t kMoreThanFit = 200;
  std::vector<Client> clients;
  clients.reserve(kMoreThanFit);
  while (clients.size() < kMoreThanFit) clients.emplace_back(ports.front(), "127.0.0.2");
  for (const auto& client : clients) ASSERT_TRUE(client.send("ping"));
  ASSERT_TRUE(daemon.logs("the open-files limit is reached"));
  const auto workers = daemon.workers(2);
  faults.become("2 abort\n");
  ::kill(workers.at(1), SIGKILL);
  ASSERT_TRUE(daemon.logs("cannot take the listeners of worker 2: it has no room for them")) << daemon.log();
  EXPECT_EQ(daemon.workers(1).front(), workers.front()) << "the borrower died of it";
  clients.clear();
  EXPECT_TRUE(daemon.logs("the listeners of worker 2 are lent to worker 1"));
  EXPECT_EQ(Client(ports.front(), "127.0.0.2").echo("hi"), "hi");
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

/// As that user itself: even root needs CAP_SYS_RESOURCE for a process of somebody else (prlimit(2)).
bool limit_processes_of(pid_t target, uid_t user, rlim_t most) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NPROC, &limit);
    limit.rlim_cur = std::min(most, limit.rlim_max);
    const bool done =
        ::setgid(user) == 0 && ::setuid(user) == 0 && ::prlimit(target, RLIMIT_NPROC, &limit, nullptr) == 0;
    ::_exit(done ? 0 : 1);
  }
  int status = 1;
  ::waitpid(pid, &status, 0);
  return status == 0;
}

TEST(Supervision, WhenNoProcessCanBeForkedTheOthersServeAndItIsTriedAgain) {
  if (!sees_processes_of_others()) GTEST_SKIP() << "not root, or root without CAP_SYS_PTRACE";
  constexpr uid_t kSomebody = 54321;
  const Folder folder;
  std::filesystem::copy_file(Daemon::program(), folder / "tcp-echo-master");
  auto launch = Daemon::on_free_port({"--workers", "2"});
  launch.program = (folder / "tcp-echo-master").string();
  launch.user = kSomebody;
  Daemon daemon(std::move(launch));
  ASSERT_TRUE(daemon.is_serving()) << daemon.log();
  const auto limit_processes = [&daemon](rlim_t most) {
    EXPECT_TRUE(limit_processes_of(daemon.pid(), kSomebody, most));
  };
  limit_processes(2);
  ::kill(daemon.workers(2).at(1), SIGKILL);
  ASSERT_TRUE(daemon.logs("worker 2 cannot be started: ")) << daemon.log();
  EXPECT_TRUE(daemon.logs("the listeners of worker 2 are lent to worker 1"));
  auto clients = connect_many(daemon.port(), 20);
  for (auto& client : clients) EXPECT_EQ(client.echo("hi"), "hi");
  limit_processes(RLIM_INFINITY);
  EXPECT_TRUE(daemon.logs("worker 1 gives them back"));
  clients.clear();
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

}  // namespace
}  // namespace tcp_echo::test
