// An admin process under attack is no business of the workers. Taken with nothing running beside it, and left
// out under Valgrind and sanitizers.
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "system/client.hpp"
#include "system/daemon.hpp"
#include "system/http_client.hpp"
#include "tcp_echo/base/limits.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

/// While this lives, this thread and those that it starts leave the processor of the only worker to it, as
/// clients on other machines would. Where there is no other one, everybody shares it.
class OtherProcessors {
 public:
  OtherProcessors() {
    ::sched_getaffinity(0, sizeof before_, &before_);
    auto others = before_;
    std::size_t first = 0;  // where --cpu-affinity puts the first worker
    while (first < CPU_SETSIZE && !CPU_ISSET(first, &others)) ++first;
    CPU_CLR(first, &others);
    ::sched_setaffinity(0, sizeof others, &others);
  }
  ~OtherProcessors() { ::sched_setaffinity(0, sizeof before_, &before_); }
  OtherProcessors(const OtherProcessors&) = delete;
  OtherProcessors& operator=(const OtherProcessors&) = delete;

 private:
  cpu_set_t before_{};
};

/// Threads that do their worst until this ends. Those of the test itself go first: echoes are measured, not
/// how long the test waits for a processor.
class Attack {
 public:
  explicit Attack(std::size_t attackers, const std::function<void(Attack&)>& attacker) {
    for (std::size_t i = 0; i < attackers; ++i) {
      threads_.emplace_back([this, attacker] {
        ::setpriority(PRIO_PROCESS, 0, 19);  // of this thread
        attacker(*this);
      });
    }
  }
  ~Attack() {
    over_ = true;
    for (auto& thread : threads_) thread.join();
  }
  Attack(const Attack&) = delete;
  Attack& operator=(const Attack&) = delete;

  bool is_over() const { return over_; }
  void hit() { ++hits_; }
  std::size_t hits() const { return hits_; }

 private:
  std::atomic<bool> over_{false};
  std::atomic<std::size_t> hits_{0};
  std::vector<std::thread> threads_;
};

void ask_for_everything(Attack& attack, std::uint16_t port) {
  while (!attack.is_over())
    if (http_get(port, "/metrics").status == 200) attack.hit();
}

/// A thousand connections, on each of which a request goes on and on. The admin process has room for half of
/// them.
void drip(Attack& attack, std::uint16_t port) {
  std::vector<Client> clients;
  while (!attack.is_over()) {
    while (clients.size() < 1000 && !attack.is_over()) {
      if (clients.emplace_back(port).send("GET / HTTP/1.1\r\n"))
        attack.hit();
      else
        clients.pop_back();
    }
    std::erase_if(clients, [](const Client& client) { return client.send_some("X") == 0; });
    attack.hit();
    ::poll(nullptr, 0, 50);
  }
}

void kill_again_and_again(Attack& attack, pid_t master) {
  while (!attack.is_over()) {
    const auto process = admin_process(master);
    if (process != 0 && ::kill(process, SIGKILL) == 0) attack.hit();
    ::poll(nullptr, 0, 100);
  }
}

struct Cost {
  double processor = 0;  ///< of the worker, in nanoseconds
  double time = 0;       ///< until it is back, likewise, with all clients at once
};

/// Of an echo, over some thousands and until it is enough.
Cost cost_of_an_echo(pid_t worker, std::vector<Client>& clients, const std::function<bool()>& is_enough) {
  const std::string message(64, 'x');
  const auto before = cpu_time(worker);
  const auto begin = Clock::now();
  double echoes = 0;
  while (echoes < 20'000 || !is_enough()) {
    for (auto& client : clients) EXPECT_TRUE(client.send(message));
    for (auto& client : clients) {
      if (client.receive(message.size()) != message) throw std::runtime_error("an echo is missing");
    }
    echoes += static_cast<double>(clients.size());
  }
  const auto per_echo = [echoes](std::chrono::nanoseconds time) {
    return static_cast<double>(time.count()) / echoes;
  };
  return {per_echo(cpu_time(worker) - before), per_echo(Clock::now() - begin)};
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.at(values.size() / 2);
}

class MeasuredUnderAttack : public testing::Test {
 protected:
  MeasuredUnderAttack() : daemon_(alone()), other_(alone()) {
    // That they have their processor before this one moves aside.
    EXPECT_TRUE(daemon_.is_serving());
    EXPECT_TRUE(other_.is_serving());
  }

  struct Target {
    pid_t master;
    std::uint16_t port;  ///< of its admin process
  };
  using Attacker = std::function<void(Attack&, const Target&)>;

  /// Of an echo of the daemon while one of the two is attacked: before that, the attack has had so many hits.
  Cost cost_during_attack(const Daemon& attacked, std::size_t attackers, std::size_t hits,
                          const Attacker& attacker, std::vector<Client>& clients) {
    const Target target{attacked.pid(), admin_port(attacked)};
    Attack attack(attackers, [&](Attack& self) { attacker(self, target); });
    if (!eventually([&] { return attack.hits() >= hits; }))
      throw std::runtime_error("the attack has only had " + std::to_string(attack.hits()) + " hits");
    return cost_of_an_echo(daemon_.workers(1).front(), clients,
                           [&, before = attack.hits()] { return attack.hits() > before; });
  }

  /// As much as undisturbed, and as beside the same attack at another daemon, which takes as much of the
  /// machine: the difference to that is our own doing.
  void expect_echoes_cost_the_same(std::size_t attackers, std::size_t hits, const Attacker& attacker) {
    raise_open_files_limit();
    const OtherProcessors of_clients;
    auto clients = connect_many(daemon_.port(), 20);
    const auto master_before = cpu_time(daemon_.pid());
    std::vector<double> dearer;
    std::vector<double> slower;
    std::vector<double> dearer_by_itself;
    for (int round = 0; round < 5; ++round) {
      const auto undisturbed = cost_of_an_echo(daemon_.workers(1).front(), clients, [] { return true; });
      const auto beside = cost_during_attack(other_, attackers, hits, attacker, clients);
      const auto disturbed = cost_during_attack(daemon_, attackers, hits, attacker, clients);
      dearer.push_back(disturbed.processor / undisturbed.processor);
      slower.push_back(disturbed.time / undisturbed.time);
      dearer_by_itself.push_back(disturbed.processor / beside.processor);
    }
    const auto master_used = cpu_time(daemon_.pid()) - master_before;
    std::printf("[ measured ] an echo costs the worker %.2f times as much, and takes %.2f times as long\n",
                median(dearer), median(slower));
    std::printf("[ measured ] it costs %.2f times as much as while another daemon is attacked\n",
                median(dearer_by_itself));
    std::printf("[ measured ] the master has used %.1f ms\n", static_cast<double>(master_used.count()) / 1e6);
    EXPECT_LT(median(dearer), 1.5) << "1.0 to 1.2 is usual, where attackers have a processor of their own";
    EXPECT_LT(median(dearer_by_itself), 1.3);
    EXPECT_LT(median(slower), 10) << "the clients share theirs with the attackers";
    EXPECT_LT(master_used, 200ms);
    const auto begin = Clock::now();
    EXPECT_EQ(http_get(admin_port(daemon_), "/healthz").status, 200);
    EXPECT_LT(since(begin), 1s);
  }

 private:
  static Launch alone() {
    return Daemon::on_free_port(
        {"--workers", "1", "--cpu-affinity", "auto", "--admin-listen", "127.0.0.1:0"});
  }

  Daemon daemon_;
  Daemon other_;
};

TEST_F(MeasuredUnderAttack, EchoesCostTheSameBesideAHundredHttpClients) {
  expect_echoes_cost_the_same(100, 100,
                              [](Attack& attack, const Target& at) { ask_for_everything(attack, at.port); });
}

TEST_F(MeasuredUnderAttack, EchoesCostTheSameBesideAThousandRequestsThatNeverEnd) {
  expect_echoes_cost_the_same(1, 600, [](Attack& attack, const Target& at) { drip(attack, at.port); });
}

TEST_F(MeasuredUnderAttack, EchoesCostTheSameWhileTheAdminProcessIsKilledAgainAndAgain) {
  expect_echoes_cost_the_same(
      1, 1, [](Attack& attack, const Target& of) { kill_again_and_again(attack, of.master); });
}

}  // namespace
}  // namespace tcp_echo::test
