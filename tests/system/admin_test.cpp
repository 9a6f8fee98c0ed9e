// The admin process from outside: what it answers, and that neither clients of it nor its own death change
// anything for those of the service.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <deque>
#include <filesystem>
#include <sstream>
#include <string>
#include <thread>

#include "support/folder.hpp"
#include "system/client.hpp"
#include "system/control_client.hpp"
#include "system/faults.hpp"
#include "system/http_client.hpp"
#include "system/service.hpp"
#include "system/traffic.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr auto kAnyPort = "127.0.0.1:0";

Launch with_admin(std::vector<std::string> arguments = {}) {
  arguments.insert(arguments.end(), {"--admin-listen", kAnyPort});
  return Daemon::on_free_port(std::move(arguments));
}

/// The one that runs once that has gone.
pid_t admin_after(const Daemon& daemon, pid_t former) {
  pid_t next = 0;
  EXPECT_TRUE(eventually([&] {
    next = admin_process(daemon.pid());
    return next != 0 && next != former;
  }));
  return next;
}

std::size_t sockets_of(pid_t process) {
  std::size_t sockets = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/fd")) {
    std::error_code error;
    if (std::filesystem::read_symlink(entry, error).string().starts_with("socket:")) ++sockets;
  }
  return sockets;
}

/// With --respawn-delay-min 30s: the second time the next process is half a second away.
bool is_dead_for_a_while(Service& service, std::uint16_t port) {
  for (int deaths = 0; deaths < 2; ++deaths) {
    EXPECT_EQ(http_get(port, "/healthz").status, 200);
    ::kill(admin_process(service.daemon().pid()), SIGKILL);
  }
  return service.daemon().logs("starting another in 500ms");
}

TEST(Admin, AnswersAsTheServiceIs) {
  Daemon daemon(with_admin({"--workers", "2"}));
  ASSERT_TRUE(daemon.is_serving());
  const auto port = admin_port(daemon);
  for (const auto* const path : {"/healthz", "/readyz"}) {
    const auto answer = http_get(port, path);
    EXPECT_EQ(answer.status, 200) << path;
    EXPECT_EQ(answer.body, "ok\n");
  }
  Client client(daemon.port());
  ASSERT_EQ(client.echo("12345"), "12345");
  const auto status = http_status(port);
  EXPECT_EQ(status.at("pid"), daemon.pid());
  EXPECT_EQ(status.at("state"), "serving");
  EXPECT_EQ(status.at("workers").size(), 2U);
  EXPECT_EQ(status.at("totals").at("bytes").at("received"), 5);
  EXPECT_EQ(status.at("admin").at("address"), "127.0.0.1:" + std::to_string(port));
  EXPECT_EQ(status.at("admin").at("failures"), 0);
  EXPECT_THAT(http_get(port, "/metrics").body, HasSubstr("\ntcp_echo_received_bytes_total 5\n"));
}

TEST(Admin, LetsAClientThatReadsLateHaveAllOfItsAnswer) {
  Daemon daemon(with_admin({"--workers", "4"}));
  ASSERT_TRUE(daemon.is_serving());
  const auto port = admin_port(daemon);
  Client late(*Endpoint::parse("127.0.0.1:" + std::to_string(port)), 1024);
  ASSERT_TRUE(late.send("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ(http_get(port, "/healthz").status, 200) << "the other one is over then";
  EXPECT_THAT(late.receive_all(),
              HasSubstr("tcp_echo_worker_accept_errors_total{worker=\"4\",reason=\"other\"} 0\n"));
  EXPECT_EQ(late.end(), End::kFin) << "connections of the service are reset if nobody closes them";
}

TEST(Admin, TellsTheSameAsTheControlSocket) {
  Daemon daemon(with_admin({"--workers", "2"}));
  ASSERT_TRUE(daemon.is_serving());
  ControlClient control(daemon.control_socket());
  auto by_socket = control.ask({{"command", "status"}}).at("data");
  auto by_http = http_status(admin_port(daemon));
  for (auto* const status : {&by_socket, &by_http}) {
    status->erase("uptime_seconds");
    for (auto& worker : status->at("workers"))
      for (const auto* const field : {"uptime_seconds", "busy_ratio", "loop_lag_seconds"})
        worker.erase(field);
  }
  EXPECT_EQ(by_socket, by_http);
}

TEST(Admin, IsNotThereUnlessItIsAskedFor) {
  Daemon daemon(Daemon::on_free_port({"--workers", "1"}));
  ASSERT_TRUE(daemon.is_serving());
  EXPECT_EQ(admin_process(daemon.pid()), 0);
  ControlClient control(daemon.control_socket());
  EXPECT_EQ(control.ask({{"command", "status"}}).at("data").at("admin").at("address"), nullptr);
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(Admin, OnATakenAddressFailsTheStart) {
  Daemon daemon(with_admin({"--workers", "1"}));
  ASSERT_TRUE(daemon.is_serving());
  for (const auto taken : {admin_port(daemon), daemon.port()}) {
    auto launch = Daemon::on_free_port({"--admin-listen", "127.0.0.1:" + std::to_string(taken)});
    const auto outcome = run(launch);
    EXPECT_EQ(outcome.exit_code, 69);
    EXPECT_THAT(outcome.log, HasSubstr("--admin-listen: "));
    EXPECT_THAT(outcome.log, HasSubstr(":" + std::to_string(taken)));
  }
}

TEST(Admin, WhoseAddressIsThatOfTheServiceFailsTheStart) {
  const std::string why = "--admin-listen: cannot listen on 127.0.0.1:28411: the service itself does, on ";
  for (const auto* const listen : {"127.0.0.1:28411", "0.0.0.0:28411"}) {
    const auto outcome = run({.arguments = {"--listen", listen, "--admin-listen", "127.0.0.1:28411"}});
    if (outcome.log.find("another process listens") != std::string::npos)
      continue;  // has that port by chance
    EXPECT_EQ(outcome.exit_code, 69) << outcome.log;
    EXPECT_THAT(outcome.log, HasSubstr(why + listen));
  }
}

TEST(Admin, WhoseAddressIsANewOneOfTheServiceFailsTheReload) {
  Service service({"--workers", "1"}, "listen = \"127.0.0.1:0\"\n");
  ASSERT_TRUE(service.daemon().is_serving());
  service.configure("listen = [\"127.0.0.1:0\", \"0.0.0.0:28412\"]\nadmin_listen = \"127.0.0.1:28412\"\n");
  EXPECT_TRUE(service.fails_to_reload()) << "the kernel would let both have it";
  EXPECT_EQ(Client(service.port()).echo("x"), "x");
}

TEST(Admin, LetsClientsWaitWhileItIsReplacedAfterItsDeath) {
  Daemon daemon(with_admin({"--workers", "1"}));
  ASSERT_TRUE(daemon.is_serving());
  const auto port = admin_port(daemon);
  Client echo(daemon.port());
  auto process = admin_after(daemon, 0);
  for (std::size_t i = 0; i < rounds(3); ++i) {
    ASSERT_EQ(http_get(port, "/healthz").status, 200);
    ::kill(process, SIGKILL);
    EXPECT_EQ(http_get(port, "/healthz").status, 200) << "nobody is refused";
    EXPECT_EQ(echo.echo("x"), "x");
    process = admin_after(daemon, process);
  }
  EXPECT_EQ(http_status(port).at("admin").at("failures"), rounds(3));
  EXPECT_THAT(daemon.log(), HasSubstr(") died from SIGKILL after "));
}

TEST(Admin, ThatHangsIsKilledAndReplaced) {
  Daemon daemon(with_admin({"--workers", "1", "--watchdog", "200ms"}));
  ASSERT_TRUE(daemon.is_serving());
  const auto port = admin_port(daemon);
  ASSERT_EQ(http_get(port, "/healthz").status, 200);
  const auto process = admin_process(daemon.pid());
  ::kill(process, SIGSTOP);
  EXPECT_EQ(http_get(port, "/healthz").status, 200) << "by the next one";
  EXPECT_TRUE(daemon.logs("has not turned for 200ms (--watchdog)"));
  EXPECT_NE(admin_after(daemon, process), process);
}

TEST(Admin, ThatGetsATermFinishesAndIsReplaced) {
  Daemon daemon(with_admin({"--workers", "1"}));
  ASSERT_TRUE(daemon.is_serving());
  const auto port = admin_port(daemon);
  ASSERT_EQ(http_get(port, "/healthz").status, 200);
  Client slow(port);
  ASSERT_TRUE(slow.send("GET /healthz HTT"));
  ASSERT_EQ(http_get(port, "/healthz").status, 200) << "it has taken the other one before";
  const auto process = admin_process(daemon.pid());
  for (const int ignored : {SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) ::kill(process, ignored);
  ::kill(process, SIGTERM);
  ASSERT_TRUE(slow.send("P/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_THAT(slow.receive_all(), HasSubstr(" 200 OK\r\n"));
  EXPECT_NE(admin_after(daemon, process), process);
  EXPECT_THAT(daemon.log(), HasSubstr(") exited with code 0 after "));
  EXPECT_EQ(http_get(port, "/healthz").status, 200);
}

TEST(Admin, SaysWhyTheServiceIsNotReadyFromTheFirstMomentOfAStop) {
  Daemon daemon(with_admin({"--workers", "1"}));
  ASSERT_TRUE(daemon.is_serving());
  const auto port = admin_port(daemon);
  Client open(daemon.port());
  ASSERT_EQ(open.echo("x"), "x");
  Client probe(port);
  const auto ask = [&probe](const std::string& path) {
    probe.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
    std::string answer;
    while (answer.find("\r\n\r\n") == std::string::npos) {
      const auto byte = probe.receive(1);
      if (byte.empty()) return answer;
      answer += byte;
    }
    const auto length = answer.find("Content-Length: ");
    answer += probe.receive(std::stoul(answer.substr(length + 16)));
    return answer;
  };
  ASSERT_THAT(ask("/readyz"), HasSubstr("ok\n"));
  daemon.signal(SIGTERM);
  const auto begin = Clock::now();
  std::string answer;
  EXPECT_TRUE(eventually([&] {
    answer = ask("/readyz");
    return answer.find(" 503 ") != std::string::npos;
  }));
  if (!is_instrumented()) {
    EXPECT_LT(since(begin), 1s) << "100 ms on a machine that has time";
  }
  EXPECT_THAT(answer, HasSubstr("the service is stopping\n"));
  EXPECT_THAT(ask("/healthz"), HasSubstr(" 503 "));
  open.close();
  EXPECT_EQ(daemon.wait().exit_code, 0);
}

TEST(Admin, SaysWhyTheServiceIsNotReadyWhileItStarts) {
  const Faults faults("1 slow\n");
  auto launch = with_admin({"--workers", "1"});
  launch.environment.push_back(faults.variable());
  Daemon daemon(launch);
  const auto answer = http_get(admin_port(daemon), "/readyz");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body, "the service is starting\n");
  EXPECT_TRUE(eventually([&] { return http_get(admin_port(daemon), "/readyz").status == 200; }));
}

TEST(Admin, DiesWithItsMasterWhateverStateItIsIn) {
  for (const bool is_stopped : {false, true}) {
    Daemon daemon(with_admin({"--workers", "1"}));
    ASSERT_TRUE(daemon.is_serving());
    ASSERT_EQ(http_get(admin_port(daemon), "/healthz").status, 200);
    const auto process = admin_process(daemon.pid());
    ASSERT_NE(process, 0);
    if (is_stopped) ::kill(process, SIGSTOP);
    daemon.signal(SIGKILL);
    daemon.wait();
    EXPECT_TRUE(eventually([&] {
      const auto state = proc_status(process, "State");
      return state.empty() || state.starts_with("Z");  // nobody may have reaped it yet
    })) << is_stopped;
  }
}

TEST(Admin, RunsAsTheUserOfTheWorkersAndCannotWriteWhatItReads) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  if (!sees_processes_of_others()) GTEST_SKIP() << "its mappings can only be seen with CAP_SYS_PTRACE";
  Daemon daemon(with_admin({"--workers", "1", "--user", "nobody"}));
  ASSERT_TRUE(daemon.is_serving()) << daemon.log();
  ASSERT_EQ(http_get(admin_port(daemon), "/healthz").status, 200);
  const auto process = admin_process(daemon.pid());
  const auto uid = std::to_string(::getpwnam("nobody")->pw_uid);
  EXPECT_THAT(proc_status(process, "Uid"), HasSubstr(uid + "\t" + uid + "\t" + uid));
  EXPECT_EQ(::getpriority(PRIO_PROCESS, static_cast<id_t>(process)), 10) << "the echo comes first";
  const auto maps = content("/proc/" + std::to_string(process) + "/maps");
  std::istringstream lines(maps);
  std::size_t mappings = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("tcp-echo-scoreboard") == std::string::npos) continue;
    ++mappings;
    EXPECT_THAT(line, HasSubstr(" r--s ")) << line;
  }
  EXPECT_EQ(mappings, 1U);
}

TEST(Admin, ThatTheConfigurationNamesAnewIsFoundThereAfterAReload) {
  Service service({"--workers", "1"}, "");
  ASSERT_TRUE(service.daemon().is_serving());
  EXPECT_EQ(admin_process(service.daemon().pid()), 0);
  service.configure("admin_listen = \"127.0.0.1:0\"\n");
  ASSERT_TRUE(service.reload());
  const auto first = admin_port(service.daemon());
  EXPECT_EQ(http_get(first, "/readyz").status, 200);
  ASSERT_TRUE(service.reload());
  EXPECT_EQ(http_get(first, "/readyz").status, 200) << "port 0 stays what it was";
  EXPECT_EQ(http_status(first).at("generation"), 3);
  service.configure("");
  Client waits(first);  // and its request comes later than the reload
  ASSERT_TRUE(service.reload());
  ASSERT_TRUE(waits.send("GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  EXPECT_THAT(waits.receive_all(), HasSubstr(" 200 OK\r\n"));
  EXPECT_TRUE(eventually([&] { return admin_process(service.daemon().pid()) == 0; }));
  EXPECT_FALSE(Client(first).is_connected());
}

TEST(Admin, WhoseNewAddressIsTakenStaysWhereItWas) {
  Service service({"--workers", "1"}, "admin_listen = \"127.0.0.1:0\"\n");
  ASSERT_TRUE(service.daemon().is_serving());
  const auto port = admin_port(service.daemon());
  service.configure("admin_listen = \"127.0.0.1:" + std::to_string(service.port()) + "\"\n");
  EXPECT_TRUE(service.fails_to_reload());
  EXPECT_THAT(service.daemon().log(), HasSubstr("reload failed: --admin-listen: "));
  EXPECT_EQ(http_get(port, "/readyz").status, 200);
}

TEST(Admin, AnswersThroughReloadsAndUpgradesWithoutAGap) {
  Service service({"--workers", "1", "--admin-listen", kAnyPort});
  ASSERT_TRUE(service.daemon().is_serving());
  const auto port = admin_port(service.daemon());
  std::atomic<bool> is_over{false};
  std::atomic<int> asked{0};
  std::string missed;
  std::thread asks([&] {
    while (!is_over) {
      ++asked;
      const auto answer = http_get(port, "/healthz");
      if (answer.status != 200) missed += std::to_string(asked) + ": '" + answer.head + answer.body + "' ";
    }
  });
  EXPECT_TRUE(service.reload());
  service.install(next_program());
  EXPECT_TRUE(service.upgrade());
  EXPECT_TRUE(service.reload());
  EXPECT_TRUE(eventually([&] { return asked > 20; }));
  is_over = true;
  asks.join();
  EXPECT_EQ(missed, "") << "of " << asked << service.daemon().log();
  EXPECT_EQ(http_status(port).at("version"), "9.9.9-next");
  EXPECT_EQ(http_status(port).at("admin").at("failures"), 0);
}

/// When the service was looked at, as its page is told: all that is remembered.
std::vector<double> moments_remembered(std::uint16_t port) {
  const auto live = nlohmann::json::parse(http_get(port, "/live").body);
  std::vector<double> moments;
  for (const auto& row : live.at("samples").at("rows")) moments.push_back(row.at(0).get<double>());
  return moments;
}

TEST(Admin, RemembersTheLastMinutesThroughItsDeathReloadsAndUpgrades) {
  Service service({"--workers", "1", "--admin-listen", kAnyPort});
  ASSERT_TRUE(service.daemon().is_serving());
  const auto port = admin_port(service.daemon());
  ASSERT_TRUE(eventually([&] { return moments_remembered(port).size() >= 2; }));
  const auto before = moments_remembered(port);
  const auto former = admin_process(service.daemon().pid());
  ::kill(former, SIGKILL);
  ASSERT_NE(admin_after(service.daemon(), former), 0);
  EXPECT_TRUE(service.reload());
  service.install(next_program());
  EXPECT_TRUE(service.upgrade());
  ASSERT_TRUE(eventually([&] { return moments_remembered(port).size() >= before.size() + 2; }));
  const auto after = moments_remembered(port);
  EXPECT_TRUE(std::equal(before.begin(), before.end(), after.begin()));
  for (std::size_t i = 1; i < after.size(); ++i)
    EXPECT_GT(after[i] - after[i - 1], 0.9) << "none is taken twice";
}

TEST(Admin, ThatLeavesDoesNotHoldUpTheEndOfTheServiceForASilentClient) {
  Service service({"--workers", "1", "--admin-listen", kAnyPort});
  ASSERT_TRUE(service.daemon().is_serving());
  const auto port = admin_port(service.daemon());
  Client silent(port);
  ASSERT_EQ(http_get(port, "/readyz").status, 200) << "it has taken the other one before";
  const auto former = admin_process(service.daemon().pid());
  const auto sockets = sockets_of(former);
  ASSERT_TRUE(service.reload());
  ASSERT_TRUE(eventually([&] { return sockets_of(former) < sockets; })) << "its listener is closed";
  service.daemon().signal(SIGTERM);
  EXPECT_EQ(service.daemon().wait().exit_code, 0);
  EXPECT_THAT(service.daemon().log(), Not(HasSubstr("killing it")));
}

TEST(Admin, GetsNothingThatIsNotItsOwnWhenAnUpgradeStartsIt) {
  Service service({"--workers", "2", "--admin-listen", kAnyPort, "--respawn-delay-min", "30s"});
  ASSERT_TRUE(service.daemon().is_serving());
  const auto port = admin_port(service.daemon());
  ASSERT_TRUE(is_dead_for_a_while(service, port));
  ASSERT_TRUE(service.upgrade());
  ASSERT_EQ(http_get(port, "/healthz").status, 200);
  pid_t process = 0;
  ASSERT_TRUE(eventually([&] { return (process = admin_process(service.daemon().pid())) != 0; }));
  EXPECT_LE(sockets_of(process), 6U)
      << "its channel, its listener, libuv's own pair of signals, and perhaps a client";
}

TEST(Admin, AnswersThoseWhoWaitAtAnAddressThatIsRemovedWhileItIsDead) {
  Service service({"--workers", "1", "--respawn-delay-min", "30s"}, "admin_listen = \"127.0.0.1:0\"\n");
  ASSERT_TRUE(service.daemon().is_serving());
  const auto port = admin_port(service.daemon());
  ASSERT_TRUE(is_dead_for_a_while(service, port));
  Client waits(port);
  ASSERT_TRUE(waits.send("GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  service.configure("");
  ASSERT_TRUE(service.reload());
  EXPECT_THAT(waits.receive_all(), HasSubstr(" 200 OK\r\n"));
}

TEST(Admin, ReturnsToAFormerAddressThoughSomebodyIsStillThere) {
  Service service({"--workers", "1"}, "admin_listen = \"127.0.0.1:0\"\n");
  ASSERT_TRUE(service.daemon().is_serving());
  const auto first = admin_port(service.daemon());
  const auto there = "admin_listen = \"127.0.0.1:" + std::to_string(first) + "\"\n";
  service.configure(there);  // the same, but no longer the one that the kernel has picked
  ASSERT_TRUE(service.reload());
  EXPECT_EQ(http_get(first, "/readyz").status, 200);
  Client says_nothing(first);
  service.configure("");
  ASSERT_TRUE(service.reload());
  service.configure(there);
  ASSERT_TRUE(service.reload()) << service.daemon().log();
  EXPECT_EQ(http_get(first, "/readyz").status, 200);
}

TEST(Admin, StaysWithAProgramWhoseSuccessorCannotTakeOver) {
  const Faults faults("0 refuse\n");
  Service service({"--workers", "1", "--admin-listen", kAnyPort}, "", {.environment = {faults.variable()}});
  ASSERT_TRUE(service.daemon().is_serving());
  const auto port = admin_port(service.daemon());
  ASSERT_EQ(http_get(port, "/healthz").status, 200);
  const auto process = admin_process(service.daemon().pid());
  EXPECT_TRUE(service.fails_to_upgrade());
  EXPECT_EQ(http_get(port, "/healthz").status, 200);
  EXPECT_EQ(admin_process(service.daemon().pid()), process);
}

TEST(Admin, IsReplacedByOneOfAnotherProtocolVersion) {
  Service service({"--workers", "1", "--admin-listen", kAnyPort});
  ASSERT_TRUE(service.daemon().is_serving());
  const auto port = admin_port(service.daemon());
  ASSERT_EQ(http_get(port, "/healthz").status, 200);
  Client slow(port);
  ASSERT_TRUE(slow.send("GET /healthz HTTP/1.1\r\nHo"));
  ASSERT_EQ(http_get(port, "/healthz").status, 200) << "it has taken the other one before";
  service.install(foreign_program());
  service.daemon().signal(SIGUSR2);
  // Not later: to whom it does not understand it gives a second.
  EXPECT_TRUE(service.daemon().logs("version 9.9.9-foreign takes over"));
  ASSERT_TRUE(slow.send("st: x\r\n\r\n"));
  EXPECT_THAT(slow.receive_all(), HasSubstr(" 200 OK\r\n"));
  EXPECT_TRUE(eventually([&] { return http_status(port).at("version") == "9.9.9-foreign"; }));
  EXPECT_TRUE(eventually([&] { return admin_process(service.daemon().pid()) != 0; }));
}

TEST(Admin, FollowsTheLog) {
  const Folder folder;
  const auto log = (folder / "log").string();
  Daemon daemon(with_admin({"--workers", "1", "--log-file", log}));
  ASSERT_TRUE(eventually([&] { return content(log).find("serving on ") != std::string::npos; }));
  std::filesystem::rename(log, log + ".1");
  daemon.signal(SIGUSR1);
  ASSERT_TRUE(eventually([&] { return content(log).find("reopened the log file") != std::string::npos; }));
  pid_t process = 0;
  ASSERT_TRUE(eventually([&] { return (process = admin_process(daemon.pid())) != 0; }));
  EXPECT_TRUE(eventually(
      [&] { return std::filesystem::read_symlink("/proc/" + std::to_string(process) + "/fd/2") == log; }));
}

}  // namespace
}  // namespace tcp_echo::test
