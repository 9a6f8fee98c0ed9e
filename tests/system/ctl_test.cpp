// tcp-echo-ctl as operators and scripts run it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <set>

#include "support/child.hpp"
#include "system/client.hpp"
#include "system/control_client.hpp"
#include "system/crowd.hpp"
#include "system/service.hpp"
#include "tcp_echo/base/text.hpp"

namespace tcp_echo::test {
namespace {

using nlohmann::json;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

struct Ctl : testing::Test {
  Ctl() { EXPECT_TRUE(service.daemon().is_serving()); }

  /// Of this daemon's control socket.
  Launch launch_of(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--socket", service.daemon().control_socket()});
    return {.arguments = std::move(arguments), .program = built_program("tcp-echo-ctl")};
  }
  Outcome run(std::vector<std::string> arguments) { return Daemon(launch_of(std::move(arguments))).wait(); }
  /// Of a run that was well.
  std::string output_of(std::vector<std::string> arguments) {
    const auto outcome = run(std::move(arguments));
    EXPECT_EQ(outcome.exit_code, 0) << outcome.log;
    EXPECT_EQ(outcome.log, "");
    return outcome.output;
  }
  json status() { return json::parse(output_of({"status", "--json"})); }
  static std::size_t serving(const json& status) {
    return static_cast<std::size_t>(
        std::count_if(status["workers"].begin(), status["workers"].end(),
                      [](const json& worker) { return worker["state"] == "serving"; }));
  }
  Service service{{"--workers", "2"}};
};

TEST_F(Ctl, ReturnsWhenItIsDoneSoThatStatusShowsTheNewState) {
  Crowd crowd(service.port(), 50);
  EXPECT_EQ(output_of({"scale", "4"}), "scaled to 4 workers\n");
  EXPECT_EQ(serving(status()), 4U);
  EXPECT_THAT(output_of({"reload"}), StartsWith("reloaded: generation 2 serves on "));
  EXPECT_EQ(status()["generation"], 2);
  const auto former = status()["workers"][1]["pid"].get<pid_t>();
  EXPECT_EQ(output_of({"worker", "restart", "2"}),
            "worker 2 (pid " + std::to_string(former) + ") has a successor\n");
  EXPECT_NE(status()["workers"][1]["pid"], former);
  service.install(next_program());
  EXPECT_EQ(output_of({"upgrade"}), "upgraded: tcp-echo-master 9.9.9-next goes on\n");
  EXPECT_EQ(status()["version"], "9.9.9-next");
  EXPECT_EQ(serving(status()), 4U);
  EXPECT_EQ(output_of({"version"}), "tcp-echo-master 9.9.9-next\n");
  const auto counts = crowd.finish();
  EXPECT_EQ(counts.broken(), 0U) << counts.text();
}

TEST_F(Ctl, SaysWhyAReloadFailsInTheLineThatCheckWouldPrint) {
  service.configure("\n\nidle_timeout = \"soon\"\n");
  Daemon check({{"--config", service.file("echo.toml"), "--check"}});
  const auto outcome = run({"reload"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.output, "");
  EXPECT_EQ(outcome.log, "tcp-echo-ctl: " + check.wait().log.substr(std::string("tcp-echo-master: ").size()));
}

TEST_F(Ctl, StopsSoThatAnotherDaemonCanStartInItsPlace) {
  const auto listen = "127.0.0.1:" + std::to_string(service.port());
  EXPECT_EQ(output_of({"stop"}), "stopped\n");
  Daemon next(
      {{"--workers", "1", "--listen", listen, "--control-socket", service.daemon().control_socket()}});
  EXPECT_TRUE(next.is_serving());
}

TEST_F(Ctl, ShowsTheStatusAsATable) {
  Client client(service.port());
  ASSERT_EQ(client.echo("hi"), "hi");
  const auto table = output_of({"status"});
  EXPECT_THAT(table, StartsWith("tcp-echo-master "));
  EXPECT_THAT(table, HasSubstr(": serving, 2 workers, up for "));
  EXPECT_THAT(table, HasSubstr("\nAll is well: "));
  EXPECT_THAT(table, HasSubstr("\nWORKER  STATE "));
  EXPECT_EQ(table.find('\x1b'), std::string::npos) << "this is no terminal";
}

TEST_F(Ctl, ShowsTheStatusAgainAndAgainUntilItIsEnded) {
  Daemon watch(launch_of({"status", "--watch", "--json"}));
  Daemon events(launch_of({"events", "--follow"}));
  const auto has_said = [](Daemon& program, const std::string& text, std::size_t times) {
    return eventually([&] { return count_of(program.output(), text) >= times; });
  };
  EXPECT_TRUE(has_said(watch, "\"generation\":1,", 2));
  ASSERT_TRUE(has_said(events, "started", 1));
  output_of({"scale", "3"});
  EXPECT_TRUE(has_said(events, "scaled to 3 workers", 1));
  output_of({"stop"});
  EXPECT_TRUE(has_said(events, "stopping", 1));
  EXPECT_EQ(events.wait().exit_code, 69);
  const auto ended = watch.wait();
  EXPECT_EQ(ended.exit_code, 69);
  EXPECT_THAT(ended.log, StartsWith("tcp-echo-ctl: no answer from the master at "));
}

TEST_F(Ctl, ListsEveryConnectionAlsoRightAfterTheyHaveMoved) {
  Crowd crowd(service.port(), 300);
  const auto expect_all = [&] {
    std::set<unsigned> ports;
    for (const auto& line : split(output_of({"connections", "--json"}), '\n'))
      if (!line.empty()) ports.insert(json::parse(line)["peer"]["port"].get<unsigned>());
    EXPECT_EQ(ports.size(), 300U);
  };
  EXPECT_TRUE(eventually([&] { return status()["totals"]["connections"]["active"] == 300; }));
  expect_all();
  output_of({"reload"});
  expect_all();
  service.install(next_program());
  output_of({"upgrade"});
  expect_all();
  EXPECT_THAT(output_of({"connections"}), EndsWith("\n300 connections\n"));
  EXPECT_THAT(output_of({"connections", "--sort", "bytes", "--limit", "2"}),
              EndsWith("\n2 of 300 connections\n"));
  EXPECT_THAT(output_of({"connections", "--peer", "10.0.0.0/8"}), EndsWith("\n0 connections\n"));
  const auto counts = crowd.finish();
  EXPECT_EQ(counts.broken(), 0U) << counts.text();
}

TEST_F(Ctl, ListsTheOthersWhereAWorkerIsSilent) {
  Crowd crowd(service.port(), 50);
  EXPECT_TRUE(eventually([&] { return status()["totals"]["connections"]["active"] == 50; }));
  const auto workers = status()["workers"];
  const auto silent = workers[0]["pid"].get<pid_t>();
  const auto others = workers[1]["connections"]["active"].get<std::ptrdiff_t>();
  ASSERT_GT(others, 0);
  ::kill(silent, SIGSTOP);
  const auto outcome = run({"connections", "--json"});
  ::kill(silent, SIGCONT);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.log, StartsWith("tcp-echo-ctl: connections are missing here: worker 1 (pid " +
                                      std::to_string(silent) + ") does not answer"));
  EXPECT_EQ(std::count(outcome.output.begin(), outcome.output.end(), '\n'), others);
  crowd.finish();
}

TEST_F(Ctl, SetsTheLogLevel) {
  EXPECT_EQ(output_of({"log-level"}), "info\n");
  EXPECT_EQ(output_of({"log-level", "debug"}), "debug\n");
  const auto outcome = run({"log-level", "loud"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.log, StartsWith("tcp-echo-ctl: no log level is 'loud'; allowed: "));
}

TEST_F(Ctl, IsPatientWithAMasterThatHasManyClients) {
  std::vector<std::unique_ptr<ControlClient>> silent;
  silent.reserve(32);
  for (int i = 0; i < 32; ++i)
    silent.push_back(std::make_unique<ControlClient>(service.daemon().control_socket()));
  ASSERT_THAT(ControlClient(service.daemon().control_socket()).receive_line(), HasSubstr("busy"));
  Daemon patient(launch_of({"version"}));
  pause_for(std::chrono::milliseconds(100));
  silent.pop_back();
  EXPECT_EQ(patient.wait().exit_code, 0);
}

TEST_F(Ctl, SaysThatNoMasterAnswers) {
  service.daemon().signal(SIGKILL);
  service.daemon().wait();
  const auto outcome = run({"status"});
  EXPECT_EQ(outcome.exit_code, 69);
  EXPECT_EQ(outcome.log,
            "tcp-echo-ctl: connect to " + service.daemon().control_socket() + ": Connection refused\n");
}

TEST_F(Ctl, SaysThatItHasNoPermission) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root: nobody else can be another user";
  auto launch = launch_of({"reload"});
  launch.user = kNobody;
  const auto closed = Daemon(launch).wait();
  EXPECT_EQ(closed.exit_code, 77) << closed.log;
  ASSERT_EQ(::chmod(service.daemon().control_socket().c_str(), 0666), 0);
  const auto refused = Daemon(launch).wait();
  EXPECT_EQ(refused.exit_code, 77);
  EXPECT_EQ(refused.log, "tcp-echo-ctl: only user 0 and root may steer this service, and not user 65534\n");
}

// ---- which master

TEST_F(Ctl, TakesThePlaceThatTheDaemonWouldTakeFromTheSameEnvironment) {
  Launch launch{.arguments = {"version"}, .program = built_program("tcp-echo-ctl")};
  launch.environment = {"TCP_ECHO_CONTROL_SOCKET=" + service.daemon().control_socket()};
  EXPECT_EQ(Daemon(std::move(launch)).wait().exit_code, 0);
}

/// What a run says that names no socket, with so many daemons that have theirs in places of their own. All
/// are in a network namespace of their own, where there is no other daemon. `is_usual`: the first one's is
/// where the tool looks anyhow.
std::string said_with_daemons(std::size_t count, bool is_usual = false) {
  return in_child([=] {
    if (::unshare(CLONE_NEWNET) != 0) return std::string("no namespace");
    std::vector<std::unique_ptr<Daemon>> daemons;
    for (std::size_t i = 0; i < count; ++i) {
      daemons.push_back(std::make_unique<Daemon>(Launch{{"--workers", "1", "--listen", "0.0.0.0:0"}}));
      if (!daemons.back()->is_serving()) return daemons.back()->log();
    }
    Launch launch{.arguments = {"version"}, .program = built_program("tcp-echo-ctl")};
    if (is_usual) {
      const std::filesystem::path socket(daemons.front()->control_socket());
      launch.environment = {"RUNTIME_DIRECTORY=" + socket.parent_path().string() + "/."};
    }
    const auto outcome = Daemon(std::move(launch)).wait();
    return std::to_string(outcome.exit_code) + " " + outcome.output + outcome.log;
  });
}

TEST(CtlDiscovery, FindsTheOnlyDaemonWhereverItsSocketIs) {
  const auto said = said_with_daemons(1);
  if (said == "no namespace") GTEST_SKIP() << said;
  EXPECT_THAT(said, StartsWith("0 tcp-echo-master "));
}

TEST(CtlDiscovery, FindsOneOnceThoughItsFolderHasTwoNames) {
  const auto said = said_with_daemons(1, true);
  if (said == "no namespace") GTEST_SKIP() << said;
  EXPECT_THAT(said, StartsWith("0 tcp-echo-master "));
}

TEST(CtlDiscovery, ListsSeveralDaemonsAndAsksNone) {
  const auto said = said_with_daemons(2);
  if (said == "no namespace") GTEST_SKIP() << said;
  EXPECT_THAT(said, testing::MatchesRegex(
                        "64 tcp-echo-ctl: several masters run; name one with --socket: "
                        "/.*/tcp-echo.sock \\(pid [0-9]+\\), /.*/tcp-echo.sock \\(pid [0-9]+\\)\n"));
}

TEST(CtlDiscovery, SaysThatThereIsNoDaemon) {
  const auto said = said_with_daemons(0);
  if (said == "no namespace") GTEST_SKIP() << said;
  EXPECT_EQ(said, "69 tcp-echo-ctl: no tcp-echo-master of this user with a control socket runs here\n");
}

}  // namespace
}  // namespace tcp_echo::test
