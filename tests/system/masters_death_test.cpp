// A master that dies, and workers that come to an end without it.

#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <optional>
#include <thread>
#include <vector>

#include "system/client.hpp"
#include "system/daemon.hpp"
#include "system/faults.hpp"
#include "system/traffic.hpp"

namespace tcp_echo::test {
namespace {

TEST(MastersDeath, LosesNoByteAndLeavesNoProcess) {
  const Faults faults("");
  Daemon daemon(faults.launch({"--workers", "3", "--watchdog", "0"}));
  const auto port = daemon.port();
  const auto workers = daemon.workers(3);
  const auto bytes = random_bytes(2UL << 20);
  auto clients = connect_many(port, 8);
  for (auto& client : clients) ASSERT_EQ(client.echo("hi"), "hi");
  std::vector<std::thread> senders;
  senders.reserve(clients.size());
  for (const auto& client : clients) senders.emplace_back([&] { EXPECT_TRUE(client.send(bytes)); });
  daemon.signal(SIGKILL);
  for (auto& client : clients) {
    EXPECT_TRUE(client.receive(bytes.size()) == bytes);
    client.close();
  }
  for (auto& sender : senders) sender.join();
  EXPECT_TRUE(eventually([&] { return daemon.survivors().empty(); }));
}

// Takes its time: what it guards against is a matter of luck, and each death waits for the last client.
TEST(MastersDeath, ResetsNobodyWhoIsConnected) {
  const auto wanted = rounds(30);
  std::size_t served = 0;
  std::size_t lost = 0;
  for (std::size_t round = 0; round < wanted; ++round) {
    // Most workers are idle when it happens: nothing keeps them but who waits in their queues.
    Daemon daemon(Daemon::on_free_port({"--workers", "4"}));
    Stream stream(daemon.port(), 3);
    ASSERT_TRUE(eventually([&] { return stream.served() > 20 + round; }));
    daemon.signal(SIGKILL);
    EXPECT_TRUE(eventually([&] { return daemon.survivors().empty(); }));
    const auto counts = stream.finish();
    served += counts.served;
    lost += counts.lost + counts.wrong;
  }
  std::printf("[ measured ] over %zu deaths of a master: %zu connections served, %zu lost\n", wanted, served,
              lost);
  EXPECT_EQ(lost, 0U);
}

TEST(MastersDeath, IsNotOutlivedForLongByAWorkerThatIsStoppedOrSpins) {
  const Faults faults("2 spin\n");
  Daemon daemon(faults.launch({"--workers", "2", "--watchdog", "0", "--shutdown-timeout", "1s"}));
  ASSERT_TRUE(daemon.is_serving());
  ::kill(daemon.workers(2).front(), SIGSTOP);
  daemon.signal(SIGKILL);
  const auto begin = Clock::now();
  EXPECT_TRUE(eventually([&] { return daemon.survivors().empty(); }));
  std::printf("[ measured ] --shutdown-timeout 1s: no process was left %ld ms after the master\n",
              static_cast<long>(since(begin).count()));
}

TEST(MastersDeath, LeavesThePortFreeForARestartWhileOldConnectionsEchoOn) {
  Daemon daemon(Daemon::on_free_port({"--workers", "2", "--shutdown-timeout", "1h"}));
  const auto port = daemon.port();
  Chatter chatter(connect_many(port, 4));
  ASSERT_TRUE(eventually([&] { return chatter.echoes() > 100; }));
  daemon.signal(SIGKILL);
  daemon.wait();
  const auto listen = "127.0.0.1:" + std::to_string(port);
  std::optional<Daemon> next;
  ASSERT_TRUE(eventually([&] {
    next.emplace(Launch{{"--listen", listen, "--workers", "2"}});
    return next->is_serving();
  }));
  EXPECT_EQ(Client(port).echo("new"), "new");
  const auto before = chatter.echoes();
  EXPECT_TRUE(eventually([&] { return chatter.echoes() > before + 100; }));
  EXPECT_EQ(chatter.finish(), 0U) << "connections of the old workers";
  EXPECT_EQ(next->stop().exit_code, 0);
}

}  // namespace
}  // namespace tcp_echo::test
