// SIGHUP: what a reload changes, what it refuses, and that nobody notices either.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <tuple>

#include "system/crowd.hpp"
#include "system/faults.hpp"
#include "system/service.hpp"
#include "system/traffic.hpp"
#include "tcp_echo/net/listening_socket.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

/// A free port, as far as that can be known.
std::uint16_t free_port() {
  return local_endpoint(value_or_throw(open_listener(*Endpoint::parse("127.0.0.1:0"), {})).get())->port();
}

std::string listen_line(const std::vector<std::uint16_t>& ports) {
  std::string line;
  for (const auto port : ports)
    line += (line.empty() ? "listen = [" : ", ") + ("\"127.0.0.1:" + std::to_string(port)) + "\"";
  return line + "]\n";
}

bool is_refused(std::uint16_t port) { return !Client(port).is_connected(); }

TEST(Reload, StartsNewWorkersAndMovesOpenConnectionsToThem) {
  Service service({"--workers", "2"});
  const auto former = service.daemon().workers(2);
  auto clients = connect_many(service.port(), 40);
  for (auto& client : clients) ASSERT_EQ(client.echo("before"), "before");
  ASSERT_TRUE(service.reload());
  for (const auto pid : service.daemon().workers(2))
    EXPECT_EQ(std::count(former.begin(), former.end(), pid), 0);
  for (auto& client : clients) EXPECT_EQ(client.echo("after"), "after");
  const auto ledger = service.ledger();
  EXPECT_EQ(ledger.active, 40U);
  EXPECT_EQ(ledger.accepted, 40U);
  EXPECT_EQ(ledger.handed_over_in, 40U);
  EXPECT_EQ(ledger.handed_over_out, 40U);
  EXPECT_EQ(ledger.closed, 0U);
  const auto log = service.daemon().stop().log;
  EXPECT_EQ(count_of(log, " exited with code 0 after "), 4U) << log;
}

TEST(Reload, HasNewValuesCountForConnectionsThatAreOpenAlready) {
  Service service({"--workers", "1"}, "idle_timeout = \"0s\"\n");
  Client client(service.port());
  ASSERT_EQ(client.echo("hi"), "hi");
  service.configure("idle_timeout = \"100ms\"\nidle_notice = \"too quiet\"\n");
  ASSERT_TRUE(service.reload());
  EXPECT_EQ(client.receive_all(), "too quiet");
  EXPECT_EQ(client.end(), End::kFin);
}

TEST(Reload, ChangesTheNumberOfWorkers) {
  Service service({}, "workers = 1\n");
  Crowd crowd(service.port(), 20);
  for (const std::size_t workers : {3U, 2U, 4U, 1U}) {
    service.configure("workers = " + std::to_string(workers) + "\n");
    ASSERT_TRUE(service.reload());
    EXPECT_EQ(service.daemon().running_workers().size(), workers);
  }
  const auto counts = crowd.finish();
  EXPECT_EQ(counts.broken(), 0U) << counts.text();
}

TEST(Reload, ServesAnAddressThatIsNew) {
  const auto first = free_port();
  const auto second = free_port();
  Service service({"--workers", "2"}, listen_line({first}));
  ASSERT_TRUE(service.daemon().is_serving());
  ASSERT_TRUE(is_refused(second));
  service.configure(listen_line({first, second}));
  ASSERT_TRUE(service.reload());
  for (auto& client : connect_many(second, 20)) EXPECT_EQ(client.echo("hi"), "hi");
  EXPECT_EQ(Client(first).echo("hi"), "hi");
}

TEST(Reload, OfAnAddressThatIsRemovedLosesNobodyWhoIsConnectedAndKeepsWhoIsOpen) {
  const auto kept = free_port();
  const auto removed = free_port();
  Service service({"--workers", "2"}, listen_line({kept, removed}));
  ASSERT_TRUE(service.daemon().is_serving());
  Crowd crowd(removed, 20);
  for (std::size_t i = 0; i < rounds(5); ++i) {
    Stream stream(removed, 4);
    ASSERT_TRUE(eventually([&] { return stream.served() > 50; }));
    service.configure(listen_line({kept}));
    ASSERT_TRUE(service.reload()) << service.daemon().log();
    EXPECT_TRUE(eventually([&] { return is_refused(removed); }));
    const auto counts = stream.finish();
    EXPECT_EQ(counts.lost, 0U) << "connected, and closed";
    EXPECT_EQ(counts.wrong, 0U);
    service.configure(listen_line({kept, removed}));
    ASSERT_TRUE(service.reload()) << service.daemon().log();
  }
  const auto counts = crowd.finish();
  EXPECT_EQ(counts.broken(), 0U) << counts.text();
  EXPECT_EQ(service.daemon().stop().exit_code, 0);
}

TEST(Reload, ServesNewAddressesAlsoWhenASlotWasScaledAway) {
  const auto first = free_port();
  const auto second = free_port();
  Service service({"--workers", "3"}, listen_line({first}));
  Crowd crowd(service.port(), 20);
  ASSERT_TRUE(service.shrink());
  for (const auto& ports : {std::vector{first, second}, {second}, {first}}) {
    service.configure(listen_line(ports));
    ASSERT_TRUE(service.reload()) << service.daemon().log();
    for (const auto port : ports) {
      for (auto& client : connect_many(port, 20)) EXPECT_EQ(client.echo("hi"), "hi");
    }
  }
  ASSERT_TRUE(service.grow());
  for (auto& client : connect_many(first, 20)) EXPECT_EQ(client.echo("hi"), "hi");
  const auto counts = crowd.finish();
  EXPECT_EQ(counts.broken(), 0U) << counts.text();
  EXPECT_EQ(service.daemon().stop().exit_code, 0);
}

TEST(Reload, ThatRemovesAnAddressLetsThoseWaitAtTheLimitOfConnectionsAndServesThem) {
  const auto kept = free_port();
  const auto removed = free_port();
  Service service({"--workers", "1", "--worker-connections", "2"}, listen_line({kept, removed}));
  auto served = connect_many(service.port(), 2);
  for (auto& client : served) ASSERT_EQ(client.echo("hi"), "hi");
  auto waiting = connect_many(removed, 5);
  service.configure(listen_line({kept}));
  service.daemon().signal(SIGHUP);
  ASSERT_TRUE(service.daemon().logs("reloaded: "));
  served.clear();
  for (auto& client : waiting) {
    EXPECT_EQ(client.echo("at last"), "at last");
    client.close();
  }
}

TEST(Reload, ThatRemovesAnAddressLosesNobodyWhenTheWorkerThatEmptiesItDiesDuringAStop) {
  const auto kept = free_port();
  const auto removed = free_port();
  Service service({"--workers", "1", "--worker-connections", "2", "--watchdog", "0"},
                  listen_line({kept, removed}));
  auto served = connect_many(service.port(), 2);
  for (auto& client : served) ASSERT_EQ(client.echo("hi"), "hi");
  auto waiting = connect_many(removed, 10);
  const auto former = service.daemon().workers(1).front();
  service.configure(listen_line({kept}));
  service.daemon().signal(SIGHUP);
  ASSERT_TRUE(service.daemon().logs("reloaded: "));
  const auto emptier = service.daemon().worker_after(former);
  ASSERT_TRUE(eventually([&] { return !is_alive(former); }));
  ::kill(emptier, SIGSTOP);
  service.daemon().signal(SIGTERM);
  ASSERT_TRUE(service.daemon().logs("stopping gracefully"));
  ::kill(emptier, SIGKILL);
  std::size_t lost = 0;
  for (auto& client : waiting) {
    lost += client.echo("at last") == "at last" ? 0U : 1U;
    client.close();
  }
  EXPECT_LE(lost, 2U) << "the dead worker had room for two of them until the others were handed over to it";
  EXPECT_EQ(service.daemon().wait().exit_code, 0);
}

TEST(Reload, MayBringAnAddressBackThatCouldNotBeEmptied) {
  const auto kept = free_port();
  const auto removed = free_port();
  Service service({"--workers", "1", "--worker-connections", "2", "--shutdown-timeout", "300ms"},
                  listen_line({kept, removed}));
  auto served = connect_many(service.port(), 2);
  for (auto& client : served) ASSERT_EQ(client.echo("hi"), "hi");
  const Client waiting(removed);
  service.configure(listen_line({kept}));
  service.daemon().signal(SIGHUP);
  ASSERT_TRUE(
      service.daemon().logs("a listener that was removed is closed although clients may still wait there"));
  EXPECT_TRUE(eventually([&] { return is_refused(removed); })) << "nobody has it any more";
  service.configure(listen_line({kept, removed}));
  ASSERT_TRUE(service.reload()) << service.daemon().log();
  served.clear();
  EXPECT_EQ(Client(removed).echo("again"), "again");
}

TEST(Reload, CountsTheCpusAgainWhereTheNumberOfWorkersIsLeftToThem) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(::sched_getcpu()), &one);
  Service service({}, "workers = \"auto\"\n");
  ASSERT_TRUE(service.daemon().is_serving());
  ASSERT_EQ(::sched_setaffinity(service.daemon().pid(), sizeof one, &one), 0);
  ASSERT_TRUE(service.reload());
  EXPECT_EQ(service.daemon().running_workers().size(), 1U);
  ASSERT_TRUE(service.grow());
  ASSERT_TRUE(service.reload());
  EXPECT_EQ(service.daemon().running_workers().size(), 2U) << "somebody has asked for that";
}

TEST(Reload, MayWidenAnAddressAndNarrowItAgain) {
  const auto port = free_port();
  const auto listen = [port](const std::string& host) {
    return "listen = [\"" + host + ":" + std::to_string(port) + "\"]\n";
  };
  Service service({"--workers", "2"}, listen("127.0.0.1"));
  ASSERT_TRUE(service.daemon().is_serving());
  Crowd crowd(port, 10);
  for (const auto* const host : {"0.0.0.0", "[::]", "127.0.0.1"}) {
    service.configure(listen(host));
    ASSERT_TRUE(service.reload()) << host << service.daemon().log();
    EXPECT_EQ(Client(port).echo("hi"), "hi") << host;
  }
  const auto counts = crowd.finish();
  EXPECT_EQ(counts.broken(), 0U) << counts.text();
}

TEST(Reload, KeepsAPortThatTheKernelHasChosen) {
  Service service({"--workers", "1"});
  const auto port = service.port();
  ASSERT_TRUE(service.reload());
  EXPECT_EQ(Client(port).echo("hi"), "hi");
}

TEST(Reload, ChangesWhereAndHowMuchIsLogged) {
  Service service({"--workers", "1"}, "log_level = \"info\"\n");
  ASSERT_TRUE(service.daemon().is_serving());
  const auto file = service.file("log");
  service.configure("log_level = \"debug\"\nlog_file = \"" + file + "\"\n");
  service.daemon().signal(SIGHUP);
  ASSERT_TRUE(eventually([&] { return content(file).find("reloaded: generation 2") != std::string::npos; }));
  EXPECT_EQ(Client(service.port()).echo("hi"), "hi");
  EXPECT_TRUE(eventually([&] { return content(file).find(" closes: client") != std::string::npos; }));
}

TEST(Reload, FindsAFileWithARelativePathAlsoInTheBackground) {
  const Folder folder;
  const auto write = [&](const std::string& level) {
    std::ofstream(folder / "echo.toml") << "log_level = \"" << level << "\"\nlog_file = \"log\"\n";
  };
  write("info");
  Launch launch = Daemon::on_free_port({"--workers", "1", "--config", "echo.toml", "--daemon"});
  launch.folder = (folder / "").string();
  Daemon starter(std::move(launch));
  ASSERT_EQ(starter.wait().exit_code, 0) << starter.log();
  const auto children = starter.survivors();
  const auto master = *std::find_if(children.begin(), children.end(),
                                    [](pid_t pid) { return proc_status(pid, "Name") == "tcp-echo[mastr]"; });
  write("debug");
  ::kill(master, SIGHUP);
  EXPECT_TRUE(eventually([&] { return content(folder / "log").find("reloaded: ") != std::string::npos; }));
  ::kill(master, SIGTERM);
  EXPECT_TRUE(eventually([&] { return starter.survivors().empty(); }));
}

// ---- what cannot be

/// A configuration that is refused, and what the log says then.
struct Mistake {
  const char* name;
  const char* text;
  const char* complaint;
};

class Refused : public testing::TestWithParam<Mistake> {};

TEST_P(Refused, ReloadChangesNothingAndNobodyNotices) {
  const auto listen = listen_line({free_port()});
  Service service({}, listen + "workers = 2\n");
  Crowd crowd(service.port(), is_instrumented() ? 20 : 500);
  const auto former = service.daemon().workers(2);
  service.configure(listen + GetParam().text);
  ASSERT_TRUE(service.fails_to_reload());
  EXPECT_THAT(service.daemon().log(), HasSubstr(GetParam().complaint));
  EXPECT_THAT(service.daemon().log(), HasSubstr("; generation 1 goes on as before\n"));
  EXPECT_TRUE(eventually([&] { return service.daemon().workers(2) == former; })) << service.daemon().log();
  const auto counts = crowd.finish();
  EXPECT_EQ(counts.broken(), 0U) << counts.text();
  EXPECT_EQ(counts.longest_silence < 3s || is_instrumented(), true) << counts.text();
}

INSTANTIATE_TEST_SUITE_P(
    Reload, Refused,
    testing::Values(Mistake{"BrokenFile", "workers = = 2\n", "echo.toml:2: "},
                    Mistake{"WrongValue", "\nidle_timeout = \"soon\"\n",
                            "echo.toml:3: idle_timeout: 'soon' is not a duration"},
                    Mistake{"UnknownKey", "wrokers = 2\n", "echo.toml:2: "},
                    Mistake{"Daemon", "workers = 2\ndaemon = true\n", "--daemon cannot change on a reload"},
                    Mistake{"User", "workers = 2\nuser = \"root\"\n", "--user cannot change on a reload"},
                    Mistake{"Group", "workers = 2\ngroup = \"root\"\n", "--group cannot change on a reload"},
                    Mistake{"PidFile", "workers = 2\npid_file = \"/tmp/x\"\n",
                            "--pid-file cannot change on a reload"},
                    Mistake{"LogFile", "log_file = \"/nonexistent/log\"\n", "/nonexistent/log"}),
    [](const auto& each) { return each.param.name; });

TEST(Reload, OfAPipeThatNobodyWritesIsRefusedAtOnce) {
  Service service({"--workers", "1"});
  const auto port = service.port();
  const auto file = service.file("echo.toml");
  std::filesystem::remove(file);
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  ASSERT_TRUE(service.fails_to_reload());
  EXPECT_THAT(
      service.daemon().log(),
      HasSubstr("reload failed: " + file + ": a pipe, which cannot be read a second time; generation 1"));
  EXPECT_EQ(Client(port).echo("hi"), "hi");
  service.expect_to_stop_soon();
}

TEST(Reload, ToAnAddressThatCannotBeHadChangesNothing) {
  const auto socket = value_or_throw(open_listener(*Endpoint::parse("127.0.0.1:0"), {.backlog = 1}));
  const auto taken = "127.0.0.1:" + std::to_string(local_endpoint(socket.get())->port());
  const auto first = free_port();
  Service service({"--workers", "2"}, listen_line({first}));
  ASSERT_TRUE(service.daemon().is_serving());
  Crowd crowd(first, 20);
  const auto second = free_port();
  for (const auto& [address, why] : {std::pair{taken, "another process listens there already"},
                                     {"192.0.2.1:7", "this machine has no such address"}}) {
    service.configure("listen = [\"127.0.0.1:" + std::to_string(first) +
                      "\", \"127.0.0.1:" + std::to_string(second) + "\", \"" + address + "\"]\n");
    ASSERT_TRUE(service.fails_to_reload());
    EXPECT_THAT(service.daemon().log(), HasSubstr("reload failed: cannot listen on " + address + ": " + why +
                                                  "; generation 1 goes on"));
    EXPECT_TRUE(is_refused(second));
  }
  const auto counts = crowd.finish();
  EXPECT_EQ(counts.broken(), 0U) << counts.text();
}

/// The fault that new workers suffer, what the log says then, and how long they may take to be ready.
class Failing : public testing::TestWithParam<std::tuple<const char*, const char*, const char*>> {};

TEST_P(Failing, NewWorkerLeavesTheOldGenerationServing) {
  const Faults faults("");
  const auto& [word, complaint, ready_timeout] = GetParam();
  Service service({"--workers", "2", "--ready-timeout", ready_timeout}, "",
                  {.environment = {faults.variable()}});
  Crowd crowd(service.port(), 20);
  const auto former = service.daemon().workers(2);
  faults.become("2 " + std::string(word) + "\n");
  ASSERT_TRUE(service.fails_to_reload());
  EXPECT_THAT(service.daemon().log(), HasSubstr(complaint));
  EXPECT_TRUE(eventually([&] { return service.daemon().running_workers().size() == 2; }));
  EXPECT_TRUE(eventually([&] { return service.daemon().workers(2) == former; })) << service.daemon().log();
  faults.become("");
  ASSERT_TRUE(service.reload());
  const auto counts = crowd.finish();
  EXPECT_EQ(counts.broken(), 0U) << counts.text();
}

INSTANTIATE_TEST_SUITE_P(Reload, Failing,
                         testing::Values(std::tuple{"abort", "died from SIGABRT", "30s"},
                                         std::tuple{"exit", "exited with code 3", "30s"},
                                         std::tuple{"mute", "is not ready after 2s (--ready-timeout)",
                                                    "2s"}));

// ---- signals that come at a bad time

TEST(Reload, AskedForAgainAndAgainEndsWithTheLastConfiguration) {
  Service service({}, "workers = 1\n");
  Crowd crowd(service.port(), 20);
  for (int i = 0; i < 100; ++i) {
    service.configure("workers = " + std::to_string(1 + i % 3) + "\n");
    service.daemon().signal(SIGHUP);
  }
  service.configure("workers = 4\n");
  service.daemon().signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return service.daemon().running_workers().size() == 4; }));
  ASSERT_TRUE(service.reload());
  EXPECT_TRUE(eventually([&] { return service.daemon().running_workers().size() == 4; }));
  const auto counts = crowd.finish();
  EXPECT_EQ(counts.broken(), 0U) << counts.text();
  EXPECT_LT(count_of(service.daemon().log(), "reloaded: "), 100U) << "those that wait are merged";
}

TEST(Reload, ThatIsUnderWayDoesNotHoldUpAStop) {
  const Faults faults("");
  Service service({"--workers", "2"}, "", {.environment = {faults.variable()}});
  ASSERT_TRUE(service.daemon().is_serving());
  faults.become("1 mute\n2 mute\n");
  service.daemon().signal(SIGHUP);
  ASSERT_TRUE(service.daemon().logs("reloading"));
  service.expect_to_stop_soon();
  EXPECT_THAT(service.daemon().log(), Not(HasSubstr("reloaded: ")));
}

TEST(Reload, DuringTheStartIsDoneAfterIt) {
  const Faults faults("1 slow\n");
  Service service({}, "workers = 1\n", {.environment = {faults.variable()}});
  ASSERT_TRUE(eventually([&] { return !children_of(service.daemon().pid()).empty(); }));
  service.configure("workers = 2\n");
  service.daemon().signal(SIGHUP);
  ASSERT_TRUE(service.daemon().logs("reloaded: generation 2 "));
  const auto log = service.daemon().log();
  EXPECT_LT(log.find(" with 1 worker\n"), log.find("reloading\n")) << log;
  EXPECT_TRUE(eventually([&] { return service.daemon().running_workers().size() == 2; }));
}

TEST(Reload, WithANewWorkerThatGetsTermAtOnceReplacesItOnceItServes) {
  const Faults faults("");
  Service service({"--workers", "2"}, "", {.environment = {faults.variable()}});
  Crowd crowd(service.port(), 10);
  const auto former = service.daemon().workers(2);
  faults.become("2 slow\n");
  service.daemon().signal(SIGHUP);
  std::vector<pid_t> fresh;
  ASSERT_TRUE(eventually([&] {
    fresh = service.daemon().running_workers();
    std::erase_if(fresh, [&](pid_t pid) { return std::count(former.begin(), former.end(), pid) > 0; });
    std::erase_if(fresh, [](pid_t pid) { return proc_status(pid, "Name") != "tcp-echo[wrk1]"; });
    return fresh.size() == 1;
  }));
  const auto maps = "/proc/" + std::to_string(fresh.front()) + "/maps";
  const auto knows_its_block = [&] { return content(maps).find("tcp-echo-scoreboard") != std::string::npos; };
  ASSERT_TRUE(eventually(knows_its_block)) << "it is READY in the same turn, and the other one is slow";
  ::kill(fresh.front(), SIGTERM);
  ASSERT_TRUE(service.daemon().logs("reloaded: generation 2 ")) << service.daemon().log();
  EXPECT_TRUE(eventually([&] { return !is_alive(fresh.front()); })) << service.daemon().log();
  EXPECT_TRUE(eventually([&] { return service.daemon().running_workers().size() == 2; }));
  const auto counts = crowd.finish();
  EXPECT_EQ(counts.broken(), 0U) << counts.text();
}

TEST(Reload, TwoHundredTimesLeavesMemoryAndDescriptorsOfTheMasterWhereTheyWere) {
  Service service({"--workers", "2"});
  ASSERT_TRUE(service.daemon().is_serving());
  const auto master = service.daemon().pid();
  const auto memory = [master] { return std::stol(proc_status(master, "VmRSS")); };
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(service.reload()) << i;
  const auto descriptors_then = open_descriptors(master);
  const auto memory_then = memory();
  const auto more = is_instrumented() ? 20 : 190;
  for (int i = 0; i < more; ++i) ASSERT_TRUE(service.reload()) << i;
  std::cout << open_descriptors(master) << " descriptors, after 10 it were " << descriptors_then << "; "
            << memory() - memory_then << " KiB more memory\n";
  // One more for a moment, until the master has closed the channel to the last that left.
  EXPECT_TRUE(eventually([&] { return open_descriptors(master) <= descriptors_then; }));
  constexpr long kLittle = 512;  // the heap settles; two hundred leaks of anything would be more
  if (!is_instrumented()) {
    EXPECT_LT(memory() - memory_then, kLittle);
  }
  EXPECT_EQ(children_of(master).size(), 2U);
}

}  // namespace
}  // namespace tcp_echo::test
