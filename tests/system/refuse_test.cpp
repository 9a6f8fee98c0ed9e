// What the program says and returns when it cannot do what it was asked for, and when it is asked for no
// service at all.

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "system/client.hpp"
#include "system/daemon.hpp"
#include "tcp_echo/config.h"
#include "tcp_echo/net/listening_socket.hpp"

namespace tcp_echo::test {
namespace {

/// One line on stderr that contains each of these, and nothing on stdout.
void expect_refusal(const Outcome& outcome, int exit_code, const std::vector<std::string>& parts) {
  EXPECT_EQ(outcome.exit_code, exit_code) << outcome.log;
  EXPECT_EQ(outcome.output, "");
  EXPECT_EQ(std::count(outcome.log.begin(), outcome.log.end(), '\n'), 1) << outcome.log;
  for (const auto& part : parts)
    EXPECT_NE(outcome.log.find(part), std::string::npos) << part << " is missing in: " << outcome.log;
}

class ConfigFile {
 public:
  explicit ConfigFile(const std::string& text)
      : path_(std::filesystem::path(testing::TempDir()) /
              ("tcp-echo." + std::to_string(::getpid()) + ".toml")) {
    std::ofstream(path_) << text;
  }
  ~ConfigFile() { std::filesystem::remove(path_); }
  ConfigFile(const ConfigFile&) = delete;
  ConfigFile& operator=(const ConfigFile&) = delete;
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

TEST(Refuse, APortThatAnotherProgramListensOn) {
  const auto stranger = open_listener(*Endpoint::parse("127.0.0.1:0"), {.backlog = 1});
  ASSERT_TRUE(stranger);
  const auto taken = local_endpoint(stranger->get())->text();
  expect_refusal(run({{"--listen", taken}}), 69, {"cannot listen on " + taken, "another process"});
}

TEST(Refuse, APortThatAnotherOfUsListensOn) {
  Daemon first(Daemon::on_free_port());
  const auto port = std::to_string(first.port());
  expect_refusal(run({{"--port", port}}), 69, {"cannot listen on [::]:" + port});
  EXPECT_EQ(first.stop().exit_code, 0);
}

TEST(Refuse, AnAddressOfAnotherMachine) {
  expect_refusal(run({{"--listen", "127.0.0.1:0", "--listen", "192.0.2.1:8090"}}), 69,
                 {"192.0.2.1:8090", "no such address"});
}

TEST(Refuse, APrivilegedPortWithoutTheRight) {
  int first_open = 1024;
  std::ifstream("/proc/sys/net/ipv4/ip_unprivileged_port_start") >> first_open;
  if (first_open < 2) GTEST_SKIP() << "every port may be bound by everybody here";
  Launch launch{{"--listen", "127.0.0.1:" + std::to_string(first_open - 1)}};
  launch.dropped_capability = CAP_NET_BIND_SERVICE;
  expect_refusal(run(std::move(launch)), 77, {"need root or CAP_NET_BIND_SERVICE"});
}

TEST(Refuse, ABadFlag) {
  expect_refusal(run({{"--workers", "lots"}}), 64,
                 {"--workers: 'lots' is not a number; allowed: 1 to 1024, or auto"});
  expect_refusal(run({{"--colour"}}), 64, {"--colour", "--help"});
}

TEST(Refuse, ABadVariable) {
  expect_refusal(run({{}, {"TCP_ECHO_IDLE_TIMEOUT=soon"}}), 78,
                 {"TCP_ECHO_IDLE_TIMEOUT: 'soon' is not a duration; allowed: "});
}

TEST(Refuse, ABadFile) {
  const ConfigFile file("workers = 2\nbacklog = 0\n");
  expect_refusal(run({{"--config", file.path()}}), 78,
                 {file.path() + ":2: backlog: '0' is out of range; allowed: 1 to 1000000"});
}

/// To open it would wait for somebody who writes it, without a word.
TEST(Refuse, AFifoForAFileThatNobodyWrites) {
  const Folder folder;
  const auto fifo = (folder / "fifo").string();
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  for (const std::vector<std::string>& further : {std::vector<std::string>{}, {"--check"}}) {
    std::vector<std::string> arguments = {"--config", fifo};
    arguments.insert(arguments.end(), further.begin(), further.end());
    expect_refusal(run({arguments}), 78,
                   {fifo + ": cannot read", "nobody writes the FIFO", "allowed: a file"});
  }
}

TEST(Refuse, AStartForWhichThereAreTooFewDescriptors) {
  for (const rlim_t limit : {8U, 20U, 38U}) {  // libuv would abort at some of them
    Launch launch{{"--workers", "2", "--listen", "127.0.0.1:0,127.0.0.2:0,127.0.0.3:0"}};
    launch.open_files = limit;
    expect_refusal(
        run(launch), 71,
        {"at most " + std::to_string(limit) + " files may be open (ulimit -n)", "need 40 at least"});
  }
}

TEST(Refuse, OptionsThatAreNotSupportedYet) {
  expect_refusal(run({{"--log-connections"}}), 64, {"--log-connections: ", "not supported yet"});
  expect_refusal(run({{}, {"TCP_ECHO_SANDBOX=auto"}}), 78, {"TCP_ECHO_SANDBOX: ", "not supported yet"});
}

TEST(Refuse, ALogFileThatCannotBeMade) {
  expect_refusal(run({{"--port", "0", "--log-file", "/nonexistent/log"}}), 73,
                 {"/nonexistent/log", "No such file"});
}

TEST(Refuse, ToBeAWorkerWithoutAMaster) { expect_refusal(run({{"worker", "1", "1"}}), 64, {"worker"}); }

TEST(Answer, CheckPrintsConfigurationOk) {
  const auto outcome = run({{"--check", "--workers", "3"}});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.output, "configuration ok\n");
  expect_refusal(run({{"--check", "--workers", "0"}}), 64, {"--workers: '0' is out of range"});
}

TEST(Answer, ReadsAFileThatIsAPipeToItsEnd) {
  Launch launch{{"--config", "/dev/stdin", "--print-config"}};
  launch.prefix = {"/bin/sh", "-c", "(echo 'workers = 2'; sleep 0.1; echo 'backlog = 3') | exec \"$@\"",
                   "sh"};
  const auto outcome = run(std::move(launch));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.log;
  EXPECT_NE(outcome.output.find("workers = 2  # /dev/stdin:1"), std::string::npos) << outcome.output;
  EXPECT_NE(outcome.output.find("backlog = 3  # /dev/stdin:2"), std::string::npos) << outcome.output;
}

TEST(Answer, PrintConfigNamesEachSource) {
  const ConfigFile file("idle_timeout = \"10s\"\n");
  const auto outcome =
      run({{"--print-config", "--config", file.path(), "--backlog", "7"}, {"TCP_ECHO_WORKERS=3"}});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_NE(outcome.output.find("idle_timeout = \"10s\"  # " + file.path() + ":1"), std::string::npos)
      << outcome.output;
  EXPECT_NE(outcome.output.find("workers = 3  # TCP_ECHO_WORKERS\n"), std::string::npos) << outcome.output;
  EXPECT_NE(outcome.output.find("backlog = 7  # --backlog\n"), std::string::npos) << outcome.output;
  EXPECT_NE(outcome.output.find("linger_timeout = \"5s\"  # built-in default\n"), std::string::npos)
      << outcome.output;
}

TEST(Answer, VersionAndHelp) {
  EXPECT_EQ(run({{"--version"}}).output, "tcp-echo-master " TCP_ECHO_VERSION "\n");
  const auto help = run({{"--help"}});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_NE(help.output.find("--idle-timeout D"), std::string::npos);
}

TEST(Answer, ALongBacklogIsWarnedAboutWhenTheKernelCutsIt) {
  Daemon daemon(Daemon::on_free_port({"--backlog", "1000000"}));
  ASSERT_TRUE(daemon.is_serving());
  EXPECT_NE(daemon.log().find("net.core.somaxconn"), std::string::npos);
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(Answer, AStartWithAsManyDescriptorsAsAreNeededServes) {
  auto launch = Daemon::on_free_port({"--workers", "4"});
  launch.open_files = 40;
  Daemon daemon(std::move(launch));
  EXPECT_EQ(Client(daemon.port()).echo("hi"), "hi");
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(Answer, MoreConnectionsThanDescriptorsAreWarnedAbout) {
  auto launch = Daemon::on_free_port({"--workers", "1", "--worker-connections", "1000"});
  launch.open_files = 512;
  Daemon daemon(std::move(launch));
  ASSERT_TRUE(daemon.is_serving());
  EXPECT_NE(daemon.log().find("--worker-connections: 1000 connections need 1032 open files, and 512 are "
                              "allowed (ulimit -n)"),
            std::string::npos)
      << daemon.log();
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(Answer, VariablesThatAClusterInjectedAreNoObstacle) {
  auto launch = Daemon::on_free_port();
  launch.environment = {"TCP_ECHO_PORT=tcp://10.0.0.7:8090", "TCP_ECHO_SERVICE_HOST=10.0.0.7",
                        "TCP_ECHO_COLOUR=red"};
  Daemon daemon(std::move(launch));
  EXPECT_EQ(Client(daemon.port()).echo("hi"), "hi");
  EXPECT_NE(daemon.log().find("TCP_ECHO_SERVICE_HOST"), std::string::npos) << daemon.log();
  EXPECT_NE(daemon.log().find(": set by the cluster for a service called tcp-echo, ignored\n"),
            std::string::npos)
      << daemon.log();
  EXPECT_NE(daemon.log().find("TCP_ECHO_COLOUR: unknown variable"), std::string::npos) << daemon.log();
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

}  // namespace
}  // namespace tcp_echo::test
