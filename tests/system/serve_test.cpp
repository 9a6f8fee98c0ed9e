// What a client gets.

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <memory>
#include <thread>

#include "support/ipv6.hpp"
#include "system/client.hpp"
#include "system/daemon.hpp"

namespace tcp_echo::test {
namespace {

std::string shell(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), &::pclose);
  std::string output;
  for (int c = std::fgetc(pipe.get()); c != EOF; c = std::fgetc(pipe.get())) output += static_cast<char>(c);
  return output;
}

TEST(Serve, NetcatGetsItsLinesBackOverIpv4AndIpv6) {
  Daemon daemon({{"--port", "0", "--workers", "2"}});
  const auto port = std::to_string(daemon.port());
  EXPECT_EQ(shell("printf 'foo\\nbar\\n' | nc -N 127.0.0.1 " + port), "foo\nbar\n");
  if (has_ipv6_loopback()) {
    EXPECT_EQ(shell("printf 'foo\\nbar\\n' | nc -N ::1 " + port), "foo\nbar\n");
  }
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(Serve, SixtyFourMebibytesComeBackToASlowReader) {
  Daemon daemon(Daemon::on_free_port({"--workers", "1"}));
  const auto bytes = random_bytes(64UL << 20);
  Client client(*Endpoint::parse("127.0.0.1:" + std::to_string(daemon.port())), 16 * 1024);
  std::thread sender([&] {
    EXPECT_TRUE(client.send(bytes));
    client.half_close();
  });
  std::string back;
  constexpr std::size_t kSmallRead = 4096;
  while (client.end() == End::kOpen) back += client.receive(kSmallRead);
  sender.join();
  EXPECT_EQ(client.end(), End::kFin);
  EXPECT_TRUE(back == bytes) << back.size() << " bytes came back";
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(Serve, TwoMebibytesComeBackWhenReadOnlyAfterTheHalfClose) {
  Daemon daemon(Daemon::on_free_port({"--workers", "1"}));
  Client client(daemon.port());
  const auto bytes = random_bytes(2UL << 20);
  ASSERT_TRUE(client.send(bytes));
  client.half_close();
  EXPECT_TRUE(client.receive_all() == bytes);
  EXPECT_EQ(client.end(), End::kFin);
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(Serve, AClientThatNeverReadsStopsBeingReadAndLosesNothing) {
  Daemon daemon(Daemon::on_free_port({"--workers", "1"}));
  Client client(daemon.port());
  const auto bytes = random_bytes(64UL << 20);
  const auto sent = client.send_until_stuck(bytes);
  ASSERT_LT(sent, bytes.size()) << "the daemon reads on and on";
  client.half_close();
  EXPECT_TRUE(client.receive_all() == bytes.substr(0, sent));
  EXPECT_EQ(client.end(), End::kFin);
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(Serve, FiveHundredConnectionsSpreadOverBothWorkers) {
  Daemon daemon(Daemon::on_free_port({"--workers", "2"}));
  auto clients = connect_many(daemon.port(), 500);
  for (std::size_t i = 0; i < clients.size(); ++i)
    ASSERT_TRUE(clients[i].send("client " + std::to_string(i)));
  for (std::size_t i = 0; i < clients.size(); ++i) {
    const auto expected = "client " + std::to_string(i);
    ASSERT_EQ(clients[i].receive(expected.size()), expected);
  }
  clients.clear();
  const auto outcome = daemon.stop();
  EXPECT_EQ(outcome.exit_code, 0);
  int served = 0;
  for (const std::string worker : {"worker 1 served ", "worker 2 served "}) {
    const auto position = outcome.log.find(worker);
    ASSERT_NE(position, std::string::npos) << outcome.log;
    const int share = std::stoi(outcome.log.substr(position + worker.size()));
    EXPECT_GT(share, 100) << outcome.log;
    served += share;
  }
  EXPECT_EQ(served, 500);
}

TEST(Serve, EveryListenAddressIsServedOnOnePortForAllWorkers) {
  const std::array<std::string, 3> addresses = {"127.0.0.1", "127.0.0.2",
                                                has_ipv6_loopback() ? "::1" : "127.0.0.3"};
  Launch launch{{"--workers", "3"}};
  for (const auto& address : addresses) {
    const bool is_v6 = address.find(':') != std::string::npos;
    launch.arguments.insert(launch.arguments.end(),
                            {"--listen", (is_v6 ? "[" + address + "]" : address) + ":0"});
  }
  Daemon daemon(std::move(launch));
  const auto ports = daemon.ports();
  ASSERT_EQ(ports.size(), addresses.size());
  for (std::size_t i = 0; i < ports.size(); ++i) {
    for (int round = 0; round < 20; ++round) EXPECT_EQ(Client(ports[i], addresses[i]).echo("hello"), "hello");
  }
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(Serve, IdleConnectionsGetTheNoticeAndThenFin) {
  Daemon daemon(Daemon::on_free_port(
      {"--idle-timeout", "200ms", "--idle-notice", R"(Closing connection due to inactivity\n)"}));
  Client client(daemon.port());
  EXPECT_EQ(client.echo("hi"), "hi");
  EXPECT_EQ(client.receive_all(), "Closing connection due to inactivity\n");
  EXPECT_EQ(client.end(), End::kFin);
  client.close();
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(Serve, BytesThatArriveWhileTheWorkerIsStoppedForLongerThanTheIdleTimeoutAreEchoed) {
  Daemon daemon(Daemon::on_free_port({"--workers", "1", "--idle-timeout", "1s"}));
  const auto worker = daemon.workers(1).front();
  Client client(daemon.port());
  EXPECT_EQ(client.echo("hi"), "hi");
  ::kill(worker, SIGSTOP);
  ASSERT_TRUE(client.send("hello"));
  pollfd descriptor{client.fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&descriptor, 1, 1200), 0) << "nobody is there to answer";
  ::kill(worker, SIGCONT);
  EXPECT_EQ(client.receive(5), "hello");
  client.close();
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(Serve, AtTheLimitOneAddressDoesNotStarveAnother) {
  Daemon daemon({{"--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--workers", "1",
                  "--worker-connections", "1"}});
  const auto ports = daemon.ports();
  auto crowd = connect_many(ports[0], 20);
  for (const auto& client : crowd) ASSERT_TRUE(client.send("ping"));
  Client other(ports[1]);
  ASSERT_TRUE(other.send("me too"));
  std::size_t served_before = 0;
  for (auto& client : crowd) {
    std::array<pollfd, 2> descriptors = {pollfd{other.fd(), POLLIN, 0}, pollfd{client.fd(), POLLIN, 0}};
    ASSERT_GT(::poll(descriptors.data(), descriptors.size(), static_cast<int>(patience().count())), 0);
    if ((descriptors[0].revents & POLLIN) != 0) break;
    ASSERT_EQ(client.receive(4), "ping");
    client.close();
    ++served_before;
  }
  EXPECT_LT(served_before, 5U);
  EXPECT_EQ(other.receive(6), "me too");
  other.close();
  crowd.clear();
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(Serve, AtTheConnectionLimitOthersWaitAndNobodyIsReset) {
  Daemon daemon(Daemon::on_free_port({"--workers", "1", "--worker-connections", "10"}));
  auto clients = connect_many(daemon.port(), 30);
  for (const auto& client : clients) ASSERT_TRUE(client.send("ping"));
  ASSERT_TRUE(daemon.logs("--worker-connections is reached"));
  for (auto& client : clients) {
    EXPECT_EQ(client.receive(4), "ping");
    client.close();
  }
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(Serve, WithSixtyFourDescriptorsTwoHundredClientsAreAllServed) {
  auto launch = Daemon::on_free_port({"--workers", "1"});
  launch.open_files = 64;
  Daemon daemon(std::move(launch));
  auto clients = connect_many(daemon.port(), 200);
  for (auto& client : clients) ASSERT_TRUE(client.is_connected() && client.send("ping"));
  ASSERT_TRUE(daemon.logs("open-files limit is reached"));

  const auto worker = daemon.workers(1).front();
  const auto before = cpu_time(worker);
  pollfd last{clients.back().fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&last, 1, 1000), 0) << "the last client cannot be served yet, nor may it be closed";
  EXPECT_LT(cpu_time(worker) - before, std::chrono::milliseconds(200))
      << "of a processor in one second of waiting";

  for (auto& client : clients) {
    EXPECT_EQ(client.receive(4), "ping");
    client.half_close();
    EXPECT_EQ(client.receive_all(), "");
    EXPECT_EQ(client.end(), End::kFin);
    client.close();
  }
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

}  // namespace
}  // namespace tcp_echo::test
