// What a service manager hears, and the sockets that it passes.
#include "system/service_manager.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "system/client.hpp"
#include "system/crowd.hpp"
#include "system/faults.hpp"
#include "system/service.hpp"
#include "system/traffic.hpp"
#include "tcp_echo/net/listening_socket.hpp"

namespace tcp_echo::test {
namespace {

TEST(ServiceManager, HearsOfReadinessStateReloadAndStop) {
  Manager manager;
  auto launch = Daemon::on_free_port({"--workers", "2"});
  launch.environment = {manager.variable()};
  Daemon daemon(std::move(launch));
  ASSERT_TRUE(daemon.is_serving());
  EXPECT_TRUE(
      manager.hears("READY=1\nMAINPID=" + std::to_string(daemon.pid()) + "\nSTATUS=serving on 127.0.0.1:"));
  EXPECT_TRUE(manager.hears("; 2 of 2 workers ready"));
  ::kill(daemon.workers(2).front(), SIGKILL);
  EXPECT_TRUE(manager.hears("; 1 of 2 workers ready"));
  daemon.signal(SIGHUP);
  EXPECT_TRUE(manager.hears("RELOADING=1\nMONOTONIC_USEC="));
  EXPECT_EQ(daemon.stop().exit_code, 0);
  EXPECT_TRUE(manager.hears("STOPPING=1\nSTATUS=stopping gracefully"));
  EXPECT_EQ(manager.heard().find("WATCHDOG"), std::string::npos) << "it was not asked for";
}

TEST(ServiceManager, IsNotToldReadyBeforeEveryWorkerIs) {
  Manager manager;
  const Faults faults("2 mute\n");
  auto launch = faults.launch({"--workers", "2"});
  launch.environment.push_back(manager.variable());
  Daemon daemon(std::move(launch));
  ASSERT_TRUE(daemon.logs("the listeners of worker 2 are lent to worker 1"));
  EXPECT_EQ(manager.heard().find("READY=1"), std::string::npos);
  faults.become("");
  ::kill(daemon.workers(2).at(1), SIGKILL);
  EXPECT_TRUE(manager.hears("READY=1"));
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(ServiceManager, HearsWhenAReloadIsOverWhetherOrNotItWentWell) {
  Manager manager;
  Service service({"--workers", "1"}, "", {.environment = {manager.variable()}});
  ASSERT_TRUE(manager.hears("READY=1\n"));
  ASSERT_TRUE(service.reload());
  EXPECT_TRUE(manager.hears("RELOADING=1\n"));
  EXPECT_TRUE(eventually([&] { return count_of(manager.heard(), "READY=1\n") == 2; })) << manager.heard();
  service.configure("workers = 0\n");
  ASSERT_TRUE(service.fails_to_reload());
  EXPECT_TRUE(eventually([&] { return count_of(manager.heard(), "READY=1\n") == 3; })) << manager.heard();
  EXPECT_EQ(count_of(manager.heard(), "RELOADING=1\n"), 2U);
}

TEST(ServiceManager, HearsOfEveryChangeOfTheNumberOfWorkers) {
  Manager manager;
  Service service({"--workers", "1"}, "", {.environment = {manager.variable()}});
  ASSERT_TRUE(manager.hears("; 1 of 1 worker ready"));
  ASSERT_TRUE(service.grow());
  EXPECT_TRUE(manager.hears("; 2 of 2 workers ready"));
  ASSERT_TRUE(service.shrink());
  EXPECT_TRUE(eventually([&] { return count_of(manager.heard(), "; 1 of 1 worker ready") == 2; }))
      << manager.heard();
}

TEST(ServiceManager, HearsOfAnUpgradeAsOfAReload) {
  Manager manager;
  Service service({"--workers", "2"}, "", {.environment = {manager.variable(), "WATCHDOG_USEC=100000"}});
  ASSERT_TRUE(manager.hears("READY=1\n"));
  service.install(next_program());
  ASSERT_TRUE(service.upgrade()) << service.daemon().log();
  EXPECT_TRUE(manager.hears("RELOADING=1\n"));
  EXPECT_TRUE(eventually([&] {
    const auto heard = manager.heard();
    const auto over = heard.find("READY=1\n", heard.find("RELOADING=1\n"));
    return over != std::string::npos && heard.find("WATCHDOG=1\n", over) != std::string::npos;
  })) << manager.heard();
}

TEST(ServiceManager, KeepsItsSocketsOverAnUpgradeAndAReload) {
  const auto socket = value_or_throw(open_listener(*Endpoint::parse("127.0.0.1:0"), {.backlog = 100}));
  Launch with_socket;
  with_socket.listen_fds = {socket.get()};
  Service service({"--workers", "2", "--listen", "127.0.0.1:1"}, "", std::move(with_socket));
  Crowd crowd(service.port(), 10);
  Stream stream(service.port(), 2);
  for (int i = 0; i < 2; ++i) {
    service.install(next_program());
    ASSERT_TRUE(service.upgrade()) << service.daemon().log();
    ASSERT_TRUE(service.reload()) << service.daemon().log();
    ASSERT_TRUE(service.shrink()) << service.daemon().log();
    ASSERT_TRUE(service.grow()) << service.daemon().log();
  }
  const auto served = stream.finish();
  EXPECT_EQ(served.lost + served.refused + served.wrong, 0U);
  const auto counts = crowd.finish();
  EXPECT_EQ(counts.broken(), 0U) << counts.text();
  EXPECT_EQ(service.daemon().stop().exit_code, 0);
}

TEST(ServiceManager, GetsTheSignsOfLifeThatItAsksFor) {
  Manager manager;
  auto launch = Daemon::on_free_port({"--workers", "1"});
  launch.environment = {manager.variable(), "WATCHDOG_USEC=100000"};
  Daemon daemon(std::move(launch));
  EXPECT_TRUE(manager.hears("WATCHDOG=1\n\nWATCHDOG=1\n\nWATCHDOG=1"));
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(ServiceManager, MayPassTheSocketsAndKeepsThemOverARestart) {
  const auto socket = value_or_throw(open_listener(*Endpoint::parse("127.0.0.1:0"), {.backlog = 100}));
  const auto port = local_endpoint(socket.get())->port();
  const auto launch = [&] {
    Launch with_socket{{"--workers", "3", "--listen", "127.0.0.1:1"}};
    with_socket.listen_fds = {socket.get()};
    return with_socket;
  };
  std::optional<Daemon> daemon(launch());
  EXPECT_EQ(daemon->port(), port);
  EXPECT_TRUE(daemon->logs("using the inherited sockets (LISTEN_FDS), and not --listen"));
  for (auto& client : connect_many(port, 30)) EXPECT_EQ(client.echo("hi"), "hi");
  ::kill(daemon->workers(3).front(), SIGKILL);
  for (auto& client : connect_many(port, 30)) EXPECT_EQ(client.echo("hi"), "hi");
  EXPECT_EQ(daemon->stop().exit_code, 0);
  daemon.reset();
  const int off = 0;  // as a service manager leaves it, while nobody runs
  ASSERT_EQ(::setsockopt(socket.get(), SOL_SOCKET, SO_OOBINLINE, &off, sizeof off), 0);
  auto waiting = connect_many(port, 30);
  for (const auto& client : waiting) {
    ASSERT_TRUE(client.send("hi"));
    ASSERT_EQ(::send(client.fd(), "!", 1, MSG_OOB), 1);
  }
  daemon.emplace(launch());
  for (auto& client : waiting) EXPECT_EQ(client.receive(3), "hi!");
  waiting.clear();
  EXPECT_EQ(daemon->stop().exit_code, 0);
}

TEST(ServiceManager, WithInheritedSocketsARestartUnderLoadRefusesNobody) {
  const auto socket = value_or_throw(open_listener(*Endpoint::parse("127.0.0.1:0"), {.backlog = 1000}));
  Stream stream(local_endpoint(socket.get())->port(), 3);
  for (std::size_t i = 0; i < rounds(20); ++i) {
    Launch launch{{"--workers", "2"}};
    launch.listen_fds = {socket.get()};
    Daemon daemon(std::move(launch));
    const auto served = stream.served();
    ASSERT_TRUE(eventually([&] { return stream.served() > served + 50; }));
    EXPECT_EQ(daemon.stop().exit_code, 0);
  }
  Launch last{{"--workers", "1"}};
  last.listen_fds = {socket.get()};
  Daemon daemon(std::move(last));
  ASSERT_TRUE(daemon.is_serving());
  const auto counts = stream.finish();
  EXPECT_EQ(counts.refused, 0U);
  EXPECT_EQ(counts.lost + counts.wrong, 0U);
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(ServiceManager, MayBeSystemdSocketActivate) {
  const std::string activate = "/usr/bin/systemd-socket-activate";
  if (!std::filesystem::exists(activate)) GTEST_SKIP() << activate << " is not installed";
  const auto listen =
      local_endpoint(open_listener(*Endpoint::parse("127.0.0.1:0"), {.backlog = 1})->get())->text();
  Launch launch{{"--workers", "2"}};
  launch.prefix = {activate, "--listen", listen, "--setenv", Daemon::kTokenName};
  Daemon daemon(std::move(launch));
  ASSERT_TRUE(daemon.logs("Listening on"));
  // The first client makes it start the program, and waits until that serves.
  Client first(*Endpoint::parse(listen));
  EXPECT_EQ(first.echo("activate"), "activate");
  EXPECT_TRUE(daemon.logs("serving on " + listen + " with 2 workers"));
  for (auto& client : connect_many(Endpoint::parse(listen)->port(), 20)) EXPECT_EQ(client.echo("hi"), "hi");
  first.close();
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

}  // namespace
}  // namespace tcp_echo::test
