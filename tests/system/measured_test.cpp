// Promises in figures, each against a figure that does not drift with the machine, or with room to spare.
// They mean nothing under Valgrind or a sanitizer and are left out there.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <regex>
#include <thread>

#include "system/client.hpp"
#include "system/daemon.hpp"
#include "system/idle_memory.hpp"
#include "system/traffic.hpp"

namespace tcp_echo::test {
namespace {

long rss_kib(pid_t pid, const std::string& field = "VmRSS") { return std::stol(proc_status(pid, field)); }

void echo_rounds(std::vector<Client>& clients, int rounds) {
  const std::string message(64, 'x');
  for (int round = 0; round < rounds; ++round) {
    for (auto& client : clients) ASSERT_TRUE(client.send(message));
    for (auto& client : clients) ASSERT_EQ(client.receive(message.size()), message);
  }
}

/// strace(1) on one process, counting its system calls from begin() to end().
class SystemCallCounter {
 public:
  explicit SystemCallCounter(pid_t target)
      : file_(std::filesystem::path(testing::TempDir()) / ("strace." + std::to_string(target))),
        strace_(::fork()) {
    const auto pid = std::to_string(target);
    if (strace_ == 0) {
      const int null = ::open("/dev/null", O_WRONLY);
      ::dup2(null, STDERR_FILENO);
      ::execlp("strace", "strace", "-c", "-o", file_.c_str(), "-p", pid.c_str(), nullptr);
      ::_exit(127);
    }
    attached_ = eventually([&] { return proc_status(target, "TracerPid") == std::to_string(strace_); });
  }
  bool is_attached() const { return attached_; }

  long finish() {
    ::kill(strace_, SIGINT);
    int status = 0;
    ::waitpid(strace_, &status, 0);
    std::ifstream stream(file_);
    const std::string table(std::istreambuf_iterator<char>(stream), {});
    std::filesystem::remove(file_);
    std::smatch match;
    // "100.00    0.051170           2     20416           total"
    if (!std::regex_search(table, match, std::regex(R"(100\.00\s+\S+\s+\S+\s+(\d+)\s.*total)"))) return -1;
    return std::stol(match[1]);
  }

 private:
  std::filesystem::path file_;
  pid_t strace_;
  bool attached_ = false;
};

TEST(Measured, AnEchoTakesAtMostTwoPointOneSystemCallsAtFiftyBusyConnections) {
  constexpr int kRounds = 200;
  Daemon daemon(Daemon::on_free_port({"--workers", "1"}));
  auto clients = connect_many(daemon.port(), 50);
  echo_rounds(clients, 1);
  SystemCallCounter counter(daemon.workers(1).front());
  ASSERT_TRUE(counter.is_attached()) << "strace is missing, or not allowed";
  echo_rounds(clients, kRounds);
  const auto calls = static_cast<double>(counter.finish()) / (50 * kRounds);
  std::printf("[ measured ] %.3f system calls per echo\n", calls);
  EXPECT_GE(calls, 2.0) << "one recv and one send cannot be saved: the count is wrong";
  EXPECT_LE(calls, 2.1);
}

TEST(Measured, AClientThatDoesNotReadCostsLessThanOneMebibyte) {
  Daemon daemon(Daemon::on_free_port({"--workers", "1"}));
  const auto port = daemon.port();
  const auto worker = daemon.workers(1).front();
  EXPECT_EQ(Client(port).echo("warm"), "warm");
  const auto before = rss_kib(worker);
  const auto bytes = random_bytes(64UL << 20);
  std::vector<Client> clients = connect_many(port, 8);
  for (auto& client : clients) ASSERT_LT(client.send_until_stuck(bytes), bytes.size());
  const auto each = (rss_kib(worker, "VmHWM") - before) / static_cast<long>(clients.size());
  std::printf("[ measured ] %ld KiB for a client that does not read\n", each);
  EXPECT_LE(each, 128) << "KiB; one buffer of 64 KiB is what it may have";
  for (auto& client : clients) client.reset();
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(Measured, AFloodDelaysAnothersEchoByLessThanTenMilliseconds) {
  Daemon daemon(Daemon::on_free_port({"--workers", "1"}));
  Client flooder(daemon.port());
  std::atomic<bool> over{false};
  const auto flood = random_bytes(1UL << 20);
  std::thread sender([&] {
    while (!over) flooder.send(flood);
    flooder.half_close();
  });
  Client other = Client(daemon.port());
  std::atomic<std::size_t> flooded{0};
  std::thread receiver([&] {
    while (flooder.end() == End::kOpen) flooded += flooder.receive(flood.size()).size();
  });
  ASSERT_TRUE(eventually([&] { return flooded > 16 * flood.size(); }));
  const auto flooded_before = flooded.load();
  std::vector<double> milliseconds;
  const std::string message(64, 'm');
  for (int i = 0; i < 2000; ++i) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(other.echo(message), message);
    milliseconds.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  const auto flooded_meanwhile = flooded - flooded_before;
  over = true;
  sender.join();
  receiver.join();
  std::nth_element(milliseconds.begin(), milliseconds.begin() + 1000, milliseconds.end());
  std::printf("[ measured ] %.3f ms at the median beside a flood of %zu MiB\n", milliseconds[1000],
              flooded_meanwhile >> 20U);
  EXPECT_GT(flooded_meanwhile, 4 * flood.size()) << "that was no flood";
  EXPECT_LT(milliseconds[1000], 40);
  other.close();
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

/// Milliseconds within which 99 % of the echoes came, while `disturb` is called ten times a second.
double p99_of_first_worker(Daemon& daemon, const std::function<void()>& disturb) {
  Chatter chatter(clients_of_first_worker(daemon, 10));
  for (int i = 0; i < 30; ++i) {
    disturb();
    ::poll(nullptr, 0, 100);
  }
  EXPECT_EQ(chatter.finish(), 0U);
  return percentile(chatter.milliseconds(), 99);
}

TEST(Measured, ConnectionsOfOtherWorkersDoNotNoticeThatOneIsKilledAgainAndAgain) {
  Daemon daemon(
      Daemon::on_free_port({"--workers", "2", "--respawn-delay-min", "1ms", "--respawn-delay-max", "1ms"}));
  const auto first = daemon.workers(2).front();
  const auto undisturbed = p99_of_first_worker(daemon, [] {});
  const auto disturbed = p99_of_first_worker(daemon, [&] {
    for (const auto worker : daemon.running_workers()) {
      if (worker != first) ::kill(worker, SIGKILL);
    }
  });
  std::printf(
      "[ measured ] p99 of an echo: %.2f ms, %.2f ms beside a worker that is killed ten times a second\n",
      undisturbed, disturbed);
  EXPECT_LT(disturbed, std::max(10 * undisturbed, 20.0)) << "ms";
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(Measured, AnIdleConnectionCostsAtMostFourHundredBytes) {
  const auto measured = measure_idle_memory(15'000);
  std::printf("[ measured ] %.0f bytes of user-space memory for each of %zu idle connections\n",
              measured.bytes_each, measured.connections);
  EXPECT_LE(measured.bytes_each, 400);
}

}  // namespace
}  // namespace tcp_echo::test
