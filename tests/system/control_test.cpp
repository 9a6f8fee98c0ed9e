// The control socket of a real daemon: an answer comes when the thing is done, and is true.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "support/child.hpp"
#include "system/client.hpp"
#include "system/control_client.hpp"
#include "system/crowd.hpp"
#include "system/faults.hpp"
#include "system/service.hpp"

namespace tcp_echo::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

const json kStatus = {{"command", "status"}};
const json kReload = {{"command", "reload"}};
const json kUpgrade = {{"command", "upgrade"}};
const json kVersion = {{"command", "version"}};
const json kStop = {{"command", "stop"}};
json scale_to(unsigned workers) { return {{"command", "scale"}, {"workers", workers}}; }
json restart_of(unsigned worker) { return {{"command", "restart"}, {"worker", worker}}; }
json log_level(const std::string& level) { return {{"command", "log-level"}, {"level", level}}; }

struct Control : testing::Test {
  Control() : Control(std::vector<std::string>{"--workers", "2"}) {}
  explicit Control(std::vector<std::string> arguments, Launch launch = {})
      : service(std::move(arguments), "", std::move(launch)) {
    EXPECT_TRUE(service.daemon().is_serving());
  }

  ControlClient new_client() { return ControlClient(service.daemon().control_socket()); }
  /// By a client of its own: one that is silent for too long is dropped, and a test may take its time.
  json ask(const json& request) { return new_client().ask(request); }
  /// Of an answer that says that it was done.
  std::string done(const json& request) {
    const auto answer = ask(request);
    EXPECT_TRUE(answer.at("ok")) << answer;
    return answer.at("message");
  }
  std::string refused(const json& request) {
    const auto answer = ask(request);
    EXPECT_FALSE(answer.at("ok")) << answer;
    return answer.at("message");
  }
  json status() { return ask(kStatus).at("data"); }
  static std::size_t serving(const json& status) {
    return static_cast<std::size_t>(
        std::count_if(status["workers"].begin(), status["workers"].end(),
                      [](const json& worker) { return worker["state"] == "serving"; }));
  }

  Service service;
};

TEST_F(Control, AnswersWhenItIsDoneSoThatStatusShowsTheNewState) {
  Crowd crowd(service.port(), 50);
  const auto before = status();
  EXPECT_EQ(done(scale_to(4)), "scaled to 4 workers");
  EXPECT_EQ(serving(status()), 4U);
  EXPECT_THAT(done(kReload), StartsWith("reloaded: generation 2 serves on 127.0.0.1:"));
  EXPECT_EQ(status()["generation"], 2);
  EXPECT_EQ(status()["state"], "serving");
  const auto former = status()["workers"][1]["pid"].get<pid_t>();
  EXPECT_EQ(done(restart_of(2)), "worker 2 (pid " + std::to_string(former) + ") has a successor");
  EXPECT_NE(status()["workers"][1]["pid"], former);
  EXPECT_EQ(status()["workers"][1]["state"], "serving");
  service.install(next_program());
  EXPECT_EQ(done(kUpgrade), "upgraded: tcp-echo-master 9.9.9-next goes on");
  const auto after = status();
  EXPECT_EQ(after["version"], "9.9.9-next");
  EXPECT_EQ(after["pid"], before["pid"]);
  EXPECT_EQ(after["generation"], 3);
  EXPECT_EQ(after["state"], "serving");
  EXPECT_EQ(serving(after), 4U);
  EXPECT_EQ(done(kVersion), "tcp-echo-master 9.9.9-next");
  EXPECT_EQ(done(scale_to(1)), "scaled to 1 worker");
  EXPECT_EQ(serving(status()), 1U);
  EXPECT_EQ(done(scale_to(1)), "already 1 worker; not changed");
  const auto counts = crowd.finish();
  EXPECT_EQ(counts.broken(), 0U) << counts.text();
}

TEST_F(Control, LetsNoMoreThanSixteenWaitForEventsSoThatOthersAreHeard) {
  const json next = {{"command", "events"}, {"after", 1000}, {"wait", true}};
  std::vector<std::unique_ptr<ControlClient>> followers;
  followers.reserve(16);
  for (int i = 0; i < 16; ++i) {
    followers.push_back(std::make_unique<ControlClient>(service.daemon().control_socket()));
    followers.back()->send(next);
  }
  EXPECT_TRUE(eventually([&] { return refused(next) == "16 others wait for events already"; }));
  EXPECT_EQ(status()["state"], "serving");
}

TEST_F(Control, RefusesANetworkThatMakesNoSense) {
  EXPECT_THAT(refused({{"command", "connections"}, {"peer", "localhost"}}),
              StartsWith("'localhost' is no network; allowed: "));
}

TEST_F(Control, TellsWhyAReloadFailsInTheLineThatCheckWouldPrint) {
  service.configure("\nidle_timeout = \"soon\"\n");
  const auto config = service.file("echo.toml");
  Daemon check({{"--config", config, "--check"}});
  EXPECT_EQ("tcp-echo-master: " + refused(kReload) + "\n", check.wait().log);
  EXPECT_EQ(status()["generation"], 1);
  EXPECT_EQ(status()["totals"]["failed_reloads"], 1);
}

TEST_F(Control, TellsWhyAnUpgradeFails) {
  service.install_script("#!/bin/sh\necho not today >&2\nexit 3\n");
  EXPECT_EQ(refused(kUpgrade), "the new program exited with code 3: not today");
  EXPECT_EQ(status()["state"], "serving");
}

TEST_F(Control, TellsWhatCannotBeDone) {
  EXPECT_EQ(refused(restart_of(3)), "worker 3 does not run now; the service has 2 workers");
  EXPECT_THAT(refused(log_level("loud")), StartsWith("no log level is 'loud'; allowed: trace, debug, info"));
  EXPECT_THAT(refused({{"command", "scale"}, {"workers", 0}}), HasSubstr("a number from 1 to 1024"));
}

TEST_F(Control, IsAnsweredOnceForEachWhoWaits) {
  std::vector<std::unique_ptr<ControlClient>> others;
  others.reserve(10);
  for (int i = 0; i < 10; ++i)
    others.push_back(std::make_unique<ControlClient>(service.daemon().control_socket()));
  for (auto& other : others) {
    other->send(kReload);
    other->send(kVersion);
  }
  for (auto& other : others) {
    EXPECT_THAT(std::string(other->answer()["message"]), StartsWith("reloaded: "));
    EXPECT_THAT(std::string(other->answer()["message"]), StartsWith("tcp-echo-master "));
  }
}

TEST_F(Control, DoesWhatItWasAskedForAlsoWhenTheClientGoesAway) {
  new_client().send(scale_to(3));
  EXPECT_TRUE(service.daemon().logs("scaled to 3 workers"));
}

TEST_F(Control, StopsAndAnswersWhenTheLastWorkerHasGone) {
  const auto workers = service.daemon().workers(2);
  auto client = new_client();
  EXPECT_EQ(client.ask(kStop), (json{{"ok", true}, {"message", "stopped"}}));
  for (const auto worker : workers) EXPECT_FALSE(is_alive(worker));
  EXPECT_EQ(client.receive_line(), "");
  EXPECT_EQ(service.daemon().wait().exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(service.daemon().control_socket()));
}

TEST_F(Control, SetsTheLogLevelOfAllProcessesUntilAReloadNamesAnother) {
  EXPECT_EQ(done({{"command", "log-level"}}), "info");
  EXPECT_EQ(done(log_level("debug")), "debug");
  const auto debug_lines = [&](const char* process) {
    return count_of(service.daemon().log(), std::string(" debug tcp-echo[") + process);
  };
  done(kReload);
  EXPECT_TRUE(eventually([&] { return debug_lines("mastr") > 0; }));
  EXPECT_TRUE(eventually([&] { return debug_lines("wrk2") > 0; })) << "it hands over";
  service.install(next_program());
  done(kUpgrade);
  EXPECT_EQ(done({{"command", "log-level"}}), "debug") << "it holds over reload and upgrade";
  service.configure("log_level = \"warn\"\n");
  done(kReload);
  EXPECT_EQ(done({{"command", "log-level"}}), "warn");
}

TEST_F(Control, TellsEventsAndLetsAClientWaitForTheNext) {
  const auto first = ask({{"command", "events"}})["data"];
  ASSERT_EQ(first["events"].size(), 1U);
  EXPECT_EQ(first["events"][0]["event"], "started");
  const json next = {{"command", "events"}, {"after", first["last"]}, {"wait", true}};
  ControlClient watching(service.daemon().control_socket());
  watching.send(next);
  done(scale_to(3));
  const auto news = watching.answer()["data"];
  ASSERT_EQ(news["events"].size(), 1U);
  EXPECT_EQ(news["events"][0]["event"], "scaled");
  watching.send({{"command", "events"}, {"after", news["last"]}, {"wait", true}});
  service.install(next_program());
  done(kUpgrade);
  EXPECT_EQ(watching.answer()["data"]["events"][0]["event"], "upgraded") << "it waits on in the next program";
}

// ---- over an upgrade

struct ControlWithFaults : Control {
  ControlWithFaults()
      : Control({"--workers", "2", "--ready-timeout", "1m"}, {.environment = {faults().variable()}}) {}
  static Faults& faults() {
    static Faults all("");
    all.become("");
    return all;
  }
};

TEST_F(Control, GoesOnInTheNextProgramWithHalfARequest) {
  auto halting = new_client();
  halting.send_text("{\"command\":");
  service.install(next_program());
  new_client().send(kUpgrade);
  ASSERT_TRUE(service.daemon().logs("version 9.9.9-next takes over"));
  halting.send_text("\"version\"}\n");
  EXPECT_EQ(halting.answer()["message"], "tcp-echo-master 9.9.9-next");
}

TEST_F(Control, LetsAClientGoAwayInTheMiddleOfAnUpgrade) {
  ControlClient going(service.daemon().control_socket());
  service.install(next_program());
  going.send(kUpgrade);
  going.leave();
  ASSERT_TRUE(service.daemon().logs("reloaded: generation 2"));
  EXPECT_EQ(done(kVersion), "tcp-echo-master 9.9.9-next");
}

TEST_F(ControlWithFaults, IsToldWhyAnUpgradeWentBack) {
  faults().become("0 refuse\n");
  service.install(next_program());
  EXPECT_EQ(refused(kUpgrade), "the new program could not take over; the log says why");
  faults().become("2 abort\n");
  EXPECT_THAT(refused(kUpgrade), HasSubstr("died from SIGABRT"));
  faults().become("");
  EXPECT_EQ(status()["generation"], 1);
  EXPECT_EQ(done(kUpgrade), "upgraded: tcp-echo-master 9.9.9-next goes on");
}

TEST_F(ControlWithFaults, TellsThoseWhoWaitThatTheServiceStops) {
  ControlClient waiting(service.daemon().control_socket());
  faults().become("1 mute\n");
  waiting.send(kReload);
  ASSERT_TRUE(service.daemon().logs("reloading"));
  Client connected(service.port());
  ASSERT_EQ(connected.echo("hi"), "hi");
  auto client = new_client();
  client.send(kStop);
  EXPECT_EQ(waiting.answer(), (json{{"ok", false}, {"message", "the service stops"}}));
  EXPECT_EQ(ask(kReload)["message"], "the service stops");
  EXPECT_EQ(ask(kStatus)["data"]["state"], "stopping");
  connected.close();
  EXPECT_EQ(client.answer()["message"], "stopped");
  EXPECT_EQ(service.daemon().wait().exit_code, 0);
}

TEST_F(Control, TellsThoseWhoWaitThatTheStartHasFailed) {
  const Faults faults("1 mute\n");
  auto launch = Daemon::on_free_port({"--workers", "1", "--ready-timeout", "1500ms"});
  launch.environment = {faults.variable()};
  Daemon daemon(std::move(launch));
  ControlClient waiting(daemon.control_socket());
  EXPECT_EQ(waiting.ask(kReload), (json{{"ok", false}, {"message", "the service has stopped"}}));
  EXPECT_EQ(daemon.wait().exit_code, 75);
}

// ---- who may, and where

TEST_F(Control, OfAKilledDaemonIsReplaced) {
  const auto path = service.file("x.sock");
  {
    Daemon first(Daemon::on_free_port({"--workers", "1", "--control-socket", path}));
    ASSERT_TRUE(first.is_serving());
    first.signal(SIGKILL);
    first.wait();
  }
  ASSERT_TRUE(std::filesystem::exists(path));
  Daemon second(Daemon::on_free_port({"--workers", "1", "--control-socket", path}));
  EXPECT_TRUE(second.is_serving());
  EXPECT_EQ(ControlClient(path).ask(kStatus)["data"]["pid"], second.pid());
}

TEST_F(Control, OfALiveDaemonIsLeftAloneAndAStartThatNamesItFails) {
  const auto path = service.daemon().control_socket();
  Daemon second(Daemon::on_free_port({"--workers", "1", "--control-socket", path}));
  const auto outcome = second.wait();
  EXPECT_EQ(outcome.exit_code, 73);
  EXPECT_EQ(outcome.log, "tcp-echo-master: cannot make the control socket " + path +
                             ": another process answers there, " + std::to_string(service.daemon().pid()) +
                             "\n");
  EXPECT_EQ(status()["pid"], service.daemon().pid());
}

TEST_F(Control, InTheUsualPlaceOfALiveDaemonIsDoneWithoutAndTheLogSaysSo) {
  auto launch = Daemon::on_free_port({"--workers", "1"});
  const auto folder = std::filesystem::path(service.daemon().control_socket()).parent_path().string();
  launch.environment = {"RUNTIME_DIRECTORY=" + folder};
  Daemon second(std::move(launch));
  EXPECT_TRUE(second.is_serving());
  EXPECT_THAT(second.log(),
              HasSubstr("no control socket (--control-socket): cannot make the control socket " + folder));
  EXPECT_EQ(status()["pid"], service.daemon().pid());
  EXPECT_EQ(second.stop().exit_code, 0);
  EXPECT_EQ(status()["pid"], service.daemon().pid()) << "it has not taken the other's socket with it";
}

TEST_F(Control, MayBeOff) {
  Daemon off(Daemon::on_free_port({"--workers", "1", "--control-socket", "off"}));
  ASSERT_TRUE(off.is_serving());
  EXPECT_FALSE(std::filesystem::exists(off.control_socket()));
}

TEST_F(Control, IsForNoOtherUserButForRoot) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root: nobody else can be another user";
  Launch launch = Daemon::on_free_port({"--workers", "1"});
  launch.user = kNobody;
  Daemon daemon(std::move(launch));
  ASSERT_TRUE(daemon.is_serving());
  EXPECT_TRUE(ControlClient(daemon.control_socket()).ask(kVersion)["ok"]) << "root may";
  const auto path = service.daemon().control_socket();
  ASSERT_EQ(::chmod(path.c_str(), 0666), 0);
  EXPECT_EQ(
      in_child([&] {
        if (::setuid(kNobody) != 0) return std::string("still root");
        return ControlClient(path).receive_line();
      }),
      R"({"ok":false,"message":"only user 0 and root may steer this service, and not user 65534","refusal":"forbidden"})");
}

TEST_F(Control, CannotChangeOnAReload) {
  service.configure("control_socket = \"off\"\n");
  EXPECT_EQ(refused(kReload), "--control-socket cannot change on a reload, only on a new start");
}

// ---- bad clients

TEST_F(Control, BearsTwoHundredClientsThatMisbehave) {
  Crowd crowd(service.port(), 20);
  const auto path = service.daemon().control_socket();
  std::string endless;
  while (endless.size() < 10'000'000) endless.append(1000, 'x');
  std::vector<std::unique_ptr<ControlClient>> silent;
  for (int i = 0; i < 200; ++i) {
    auto bad = std::make_unique<ControlClient>(path);
    switch (i % 5) {
      case 0: bad->send_text("\x01\xff garbage\n{}\n[[[[\n"); break;
      case 1: bad->send_text("{\"command\":"); break;
      case 2: bad->send_text(endless); break;
      case 3: bad->send_text(std::string(300, '\n')); break;  // and reads none of the answers
      default:
        bad->send(kReload);
        bad->leave();
        continue;
    }
    if (i % 2 == 0) silent.push_back(std::move(bad));
  }
  silent.clear();
  const auto is_heard = [&] { return ControlClient(path).ask(kVersion)["ok"] == true; };
  EXPECT_TRUE(eventually(is_heard));
  EXPECT_THAT(done(kReload), StartsWith("reloaded: ")) << "after all those that were asked for";
  const auto counts = crowd.finish();
  EXPECT_EQ(counts.broken(), 0U) << counts.text();
}

}  // namespace
}  // namespace tcp_echo::test
