// --probe: a health check that asks the service where it really listens.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "system/client.hpp"
#include "system/daemon.hpp"
#include "system/service.hpp"

namespace tcp_echo::test {
namespace {

using testing::EndsWith;
using testing::StartsWith;

/// Names the service by its pid file: others may run beside it.
Launch probe_of(const std::filesystem::path& pid_file) {
  return {{"--probe", "--pid-file", pid_file.string()}};
}

TEST(Probe, FindsTheServiceWhereItListensAlsoAfterAReloadAndAnUpgrade) {
  const Folder folder;
  const auto pid_file = folder / "pid";
  Service service({"--workers", "1", "--pid-file", pid_file.string()}, R"(listen = ["127.0.0.1:0"])");
  const auto first = "127.0.0.1:" + std::to_string(service.port());
  EXPECT_EQ(run(probe_of(pid_file)).output, first + ": ok\n");

  service.configure(R"(listen = ["127.0.0.1:0", "0.0.0.0:0"])");
  ASSERT_TRUE(service.reload());
  const auto both = run(probe_of(pid_file)).output;
  EXPECT_THAT(both, StartsWith(first + ", 0.0.0.0:"));
  EXPECT_THAT(both, EndsWith(": ok\n"));

  service.install(next_program());
  ASSERT_TRUE(service.upgrade()) << service.daemon().log();
  EXPECT_EQ(run(probe_of(pid_file)).output, both);
  EXPECT_EQ(service.daemon().stop().exit_code, 0);
}

TEST(Probe, OfAServiceThatDoesNotEchoExitsWith69AndSaysWhere) {
  const Folder folder;
  const auto pid_file = folder / "pid";
  auto launch = Daemon::on_free_port({"--workers", "1", "--watchdog", "0", "--pid-file", pid_file.string()});
  Daemon daemon(std::move(launch));
  ASSERT_TRUE(daemon.is_serving());
  const auto worker = daemon.workers(1).front();
  ::kill(worker, SIGSTOP);
  const auto outcome = run(probe_of(pid_file));
  EXPECT_EQ(outcome.exit_code, 69);
  EXPECT_NE(outcome.log.find("127.0.0.1:" + std::to_string(daemon.port()) + " does not echo"),
            std::string::npos)
      << outcome.log;
  ::kill(worker, SIGCONT);
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(Probe, OfAServiceThatStopsOrIsNotThereExitsWith69) {
  const Folder folder;
  const auto pid_file = folder / "pid";
  auto outcome = run(probe_of(pid_file));
  EXPECT_EQ(outcome.exit_code, 69);
  EXPECT_NE(outcome.log.find("cannot read the pid file " + pid_file.string()), std::string::npos)
      << outcome.log;

  Daemon daemon(Daemon::on_free_port({"--workers", "1", "--pid-file", pid_file.string()}));
  Client client(daemon.port());
  EXPECT_EQ(client.echo("hi"), "hi");
  daemon.signal(SIGTERM);
  ASSERT_TRUE(daemon.logs("stopping gracefully"));
  outcome = run(probe_of(pid_file));
  EXPECT_EQ(outcome.exit_code, 69);
  EXPECT_NE(outcome.log.find("is no tcp-echo-master that serves here"), std::string::npos) << outcome.log;
  client.close();
  EXPECT_EQ(daemon.wait().exit_code, 0);
}

}  // namespace
}  // namespace tcp_echo::test
