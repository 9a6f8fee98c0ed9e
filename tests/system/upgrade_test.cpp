// SIGUSR2: another program takes the master's place, and nobody notices; or it cannot, and nobody notices
// either.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "system/client.hpp"
#include "system/crowd.hpp"
#include "system/faults.hpp"
#include "system/service.hpp"
#include "system/traffic.hpp"

namespace tcp_echo::test {
namespace {

using testing::HasSubstr;
using testing::Not;

/// The next program as one that takes its time to say whether it can take over. The take-over itself must not
/// run a command before the program: a shell that has waited for one lets in the signals that are held back
/// for the program, and dies of them.
std::string takes_its_time_to_answer(const std::string& seconds) {
  return "#!/bin/sh\n[ \"$1\" != preflight ] || sleep " + seconds + "\nexec " + next_program() + " \"$@\"\n";
}

TEST(Upgrade, PutsAnotherProgramIntoTheSameProcess) {
  const Folder folder;
  const auto pid_file = folder / "pid";
  Service service({"--workers", "2", "--pid-file", pid_file.string()});
  auto clients = connect_many(service.port(), 40);
  for (auto& client : clients) ASSERT_EQ(client.echo("before"), "before");
  service.install(next_program());
  ASSERT_TRUE(service.upgrade()) << service.daemon().log();
  EXPECT_THAT(service.daemon().log(), HasSubstr("version 9.9.9-next takes over"));
  EXPECT_EQ(proc_status(service.daemon().pid(), "Name"), "tcp-echo[mastr]");
  EXPECT_EQ(content(pid_file), std::to_string(service.daemon().pid()) + "\n");
  for (auto& client : clients) EXPECT_EQ(client.echo("after"), "after");
  const auto ledger = service.ledger();
  EXPECT_EQ(ledger.active, 40U);
  EXPECT_EQ(ledger.accepted, 40U) << "counters are the service's";
  EXPECT_EQ(ledger.handed_over_in, 40U);
  EXPECT_EQ(ledger.closed, 0U);
  clients.clear();
  const auto outcome = service.daemon().stop();
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(count_of(outcome.log, " exited with code 0 after "), 4U) << outcome.log;
  EXPECT_FALSE(std::filesystem::exists(pid_file));
}

TEST(Upgrade, LetsUptimeAndReloadsCountOn) {
  Service service({"--workers", "1"});
  ASSERT_TRUE(service.daemon().is_serving());
  ASSERT_TRUE(service.reload());
  const auto is_up_for = [&](int seconds) {
    service.ledger();
    return service.daemon().log().find("up for " + std::to_string(seconds) + " s, ") != std::string::npos;
  };
  ASSERT_TRUE(eventually([&] { return is_up_for(1); }));
  ASSERT_TRUE(service.upgrade()) << service.daemon().log();
  service.news();
  service.ledger();
  const auto news = service.news();
  EXPECT_THAT(news, HasSubstr(" s, generation 3, 2 reloads, 0 failed"));
  EXPECT_THAT(news, Not(HasSubstr("up for 0 s")));
}

TEST(Upgrade, StartsEveryLaterWorkerFromTheNewFile) {
  Service service({"--workers", "1"});
  ASSERT_TRUE(service.daemon().is_serving());
  service.install(next_program());
  ASSERT_TRUE(service.upgrade());
  const auto worker = service.daemon().workers(1).front();
  ::kill(worker, SIGKILL);
  const auto next = service.daemon().worker_after(worker);
  const auto exe = [](pid_t pid) {
    return std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/exe").string();
  };
  if (!is_instrumented()) {
    EXPECT_EQ(exe(next), service.file("tcp-echo-master"));
  }
  EXPECT_EQ(Client(service.port()).echo("hi"), "hi");
}

TEST(Upgrade, FollowsALinkThatWasSwitched) {
  const Folder folder;
  const auto link = folder / "current";
  std::filesystem::create_symlink(Daemon::program(), link);
  Service service({"--workers", "1"}, "", {.program = link.string()});
  ASSERT_TRUE(service.daemon().is_serving());
  std::filesystem::remove(link);
  std::filesystem::create_symlink(next_program(), link);
  ASSERT_TRUE(service.upgrade()) << service.daemon().log();
  EXPECT_THAT(service.daemon().log(), HasSubstr("version 9.9.9-next takes over"));
}

TEST(Upgrade, FindsAProgramWhosePathIsNoUtf8AgainAndAgain) {
  const Folder folder;
  const auto program = folder / "\xff" / "tcp-echo-master";
  std::filesystem::create_directory(program.parent_path());
  std::filesystem::copy_file(Daemon::program(), program);
  Service service({"--workers", "1"}, "", {.program = program.string()});
  ASSERT_TRUE(service.daemon().is_serving()) << service.daemon().log();
  ASSERT_TRUE(service.upgrade()) << service.daemon().log();
  EXPECT_TRUE(service.upgrade()) << service.daemon().log();
}

// Takes its time: only a worker whose hand-over is given up for now, after three seconds, is there for an
// upgrade to take over.
TEST(Upgrade, JudgesAWorkerThatLeavesByTheWatchdogThatItWasStartedWith) {
  Service service({"--workers", "1"}, "watchdog = 0\n");
  Client client(service.port());
  ASSERT_EQ(client.echo("before"), "before");
  const auto leaver = service.daemon().workers(1).front();
  ::kill(leaver, SIGSTOP);
  service.configure("watchdog = \"250ms\"\n");
  service.daemon().signal(SIGHUP);
  ASSERT_TRUE(service.daemon().logs("reloaded: generation 2"));
  const auto workers = service.daemon().running_workers();
  ASSERT_EQ(workers.size(), 2U);
  const auto watched = workers.front() == leaver ? workers.back() : workers.front();
  service.daemon().signal(SIGUSR2);
  ASSERT_TRUE(service.daemon().logs("reloaded: generation 3")) << service.daemon().log();
  ::kill(watched, SIGSTOP);  // it waits for what the other one may hand over to it
  ASSERT_TRUE(service.daemon().logs("has not turned for 250ms")) << "the watchdog does not look";
  ASSERT_TRUE(eventually([&] { return !is_alive(watched); }));
  ASSERT_TRUE(is_alive(leaver)) << service.daemon().log();
  ::kill(leaver, SIGCONT);
  EXPECT_EQ(client.echo("after"), "after");
}

TEST(Upgrade, ReadsTheConfigurationAgain) {
  Service service({}, "workers = 1\n");
  ASSERT_TRUE(service.daemon().is_serving());
  service.configure("workers = 3\n");
  ASSERT_TRUE(service.upgrade());
  EXPECT_EQ(service.daemon().running_workers().size(), 3U);
}

TEST(Upgrade, KeepsWorkersThatWereScaledAwayOrAdded) {
  Service service({"--workers", "2"});
  auto clients = connect_many(service.port(), 20);
  for (auto& client : clients) ASSERT_EQ(client.echo("hi"), "hi");
  ASSERT_TRUE(service.shrink());
  ASSERT_TRUE(service.upgrade());
  EXPECT_EQ(service.daemon().running_workers().size(), 1U);
  for (auto& client : connect_many(service.port(), 40)) EXPECT_EQ(client.echo("both queues"), "both queues");
  ASSERT_TRUE(service.grow());
  ASSERT_TRUE(service.grow());
  ASSERT_TRUE(service.upgrade());
  EXPECT_EQ(service.daemon().running_workers().size(), 3U);
  for (auto& client : clients) EXPECT_EQ(client.echo("still"), "still");
}

TEST(Upgrade, KeepsWhatASlotHasServedThatWasScaledAway) {
  Service service({"--workers", "2"});
  for (auto& client : connect_many(service.port(), 40)) ASSERT_EQ(client.echo("hi"), "hi");
  ASSERT_TRUE(service.shrink());
  ASSERT_TRUE(service.upgrade());
  const auto log = service.daemon().stop().log;
  for (const auto* const slot : {"worker 1 served ", "worker 2 served "}) EXPECT_THAT(log, HasSubstr(slot));
  EXPECT_THAT(log, Not(HasSubstr(" served 0 connections"))) << "forty spread over two";
}

TEST(Upgrade, ToAProgramOfAnotherProtocolVersionLetsTheOldWorkersFinish) {
  Service service({"--workers", "2"});
  Crowd crowd(service.port(), 20);
  Client quiet(service.port());
  ASSERT_EQ(quiet.echo("hi"), "hi");
  service.install(foreign_program());
  service.daemon().signal(SIGUSR2);
  ASSERT_TRUE(service.daemon().logs("reloaded: generation 2")) << service.daemon().log();
  ASSERT_TRUE(service.daemon().logs("speaks another protocol version"));
  EXPECT_EQ(quiet.receive_all(), "");
  EXPECT_EQ(quiet.end(), End::kFin) << "it is quiet, and has everything";
  const auto counts = crowd.finish();
  EXPECT_EQ(counts.broken(), 0U) << counts.text();
  EXPECT_TRUE(eventually([&] { return service.daemon().running_workers().size() == 2; }));
  EXPECT_EQ(Client(service.port()).echo("new"), "new");
  EXPECT_EQ(service.daemon().stop().exit_code, 0);
}

TEST(Upgrade, OfADaemonInTheBackgroundWorksToo) {
  const Folder folder;
  const auto log = folder / "log";
  Service service(
      {"--workers", "1", "--daemon", "--log-file", log.string(), "--pid-file", (folder / "pid").string()});
  ASSERT_EQ(service.daemon().wait().exit_code, 0) << service.daemon().log();
  const auto master = std::stoi(content(folder / "pid"));
  service.install(next_program());
  ::kill(master, SIGUSR2);
  EXPECT_TRUE(eventually([&] { return content(log).find("reloaded: generation 2") != std::string::npos; }))
      << content(log);
  EXPECT_THAT(content(log), HasSubstr("version 9.9.9-next takes over"));
  ::kill(master, SIGTERM);
  EXPECT_TRUE(eventually([&] { return service.daemon().survivors().empty(); }));
}

// ---- what cannot be

/// What somebody puts in the program's place, and what the log says then.
struct Broken {
  const char* name;
  const char* script;  ///< or the path of a program
  const char* complaint;
};

class BrokenProgram : public testing::TestWithParam<Broken> {};

TEST_P(BrokenProgram, LeavesEverythingAsItWas) {
  Service service({"--workers", "2"});
  Crowd crowd(service.port(), is_instrumented() ? 20 : 500);
  Stream stream(service.port(), 1);
  const auto former = service.daemon().workers(2);
  const std::string script = GetParam().script;
  script.starts_with("#!") ? service.install_script(script) : service.install(script);
  ASSERT_TRUE(service.fails_to_upgrade());
  EXPECT_THAT(service.daemon().log(), HasSubstr(std::string("upgrade failed: ") + GetParam().complaint));
  EXPECT_THAT(service.daemon().log(), HasSubstr("; this program goes on as before\n"));
  EXPECT_TRUE(eventually([&] { return service.daemon().workers(2) == former; })) << service.daemon().log();
  const auto served = stream.finish();
  EXPECT_EQ(served.lost + served.refused + served.wrong, 0U);
  const auto counts = crowd.finish();
  EXPECT_EQ(counts.broken(), 0U) << counts.text();
  service.install(next_program());
  EXPECT_TRUE(service.upgrade()) << "the next one is better" << service.daemon().log();
}

INSTANTIATE_TEST_SUITE_P(
    Upgrade, BrokenProgram,
    testing::Values(Broken{"AnotherProgram", "/bin/true", "the new program is no tcp-echo-master"},
                    Broken{"OneThatFails", "#!/bin/sh\necho it is 3 o\\'clock >&2\nexit 3\n",
                           "the new program exited with code 3: it is 3 o'clock"},
                    Broken{"OneThatCrashes", "#!/bin/sh\nkill -SEGV $$\n",
                           "the new program died from SIGSEGV"},
                    Broken{"OneThatHangs", "#!/bin/sh\nexec sleep 60\n",
                           "the new program has not answered within 5s (--ready-timeout)"},
                    Broken{"OneThatTalks", "#!/bin/sh\nexec yes tcp-echo-master: ready to take over\n",
                           "the new program has not answered within 5s (--ready-timeout)"},
                    Broken{"NoProgram", "#!/nonexistent/interpreter\n", "/"}),
    [](const auto& each) { return each.param.name; });

// As execvp(3) does with a file that the kernel does not know.
TEST(Upgrade, DoesNotHandATextFileToAShell) {
  Service service({"--workers", "1"});
  ASSERT_TRUE(service.daemon().is_serving());
  const auto trace = service.file("trace");
  service.install_script("touch " + trace + "\n");
  ASSERT_TRUE(service.fails_to_upgrade());
  EXPECT_THAT(service.daemon().log(),
              HasSubstr("it is no program, and no script that says with #! what runs it"));
  EXPECT_FALSE(std::filesystem::exists(trace));
  EXPECT_EQ(Client(service.port()).echo("hi"), "hi");
}

TEST(Upgrade, ToAFileThatCannotBeExecutedOrIsGoneLeavesEverythingAsItWas) {
  Service service({"--workers", "1"});
  ASSERT_TRUE(service.daemon().is_serving());
  const auto file = service.file("tcp-echo-master");
  std::filesystem::permissions(file, std::filesystem::perms(0644));
  ASSERT_TRUE(service.fails_to_upgrade());
  EXPECT_THAT(service.daemon().log(), HasSubstr("Permission denied"));
  std::filesystem::remove(file);
  ASSERT_TRUE(service.fails_to_upgrade());
  EXPECT_THAT(service.daemon().log(), HasSubstr("No such file or directory"));
  EXPECT_EQ(Client(service.port()).echo("hi"), "hi");
}

TEST(Upgrade, ToAProgramThatRefusesTheConfigurationLeavesEverythingAsItWas) {
  Service service({}, "workers = 1\n");
  Crowd crowd(service.port(), 10);
  service.configure("workers = many\n");
  ASSERT_TRUE(service.fails_to_upgrade());
  EXPECT_THAT(service.daemon().log(), HasSubstr("upgrade failed: the new program exited with code 78: "));
  EXPECT_THAT(service.daemon().log(), HasSubstr("echo.toml:1: "));
  const auto counts = crowd.finish();
  EXPECT_EQ(counts.broken(), 0U) << counts.text();
}

/// Upgrades two workers to a program that suffers a fault, until the former one has the place again.
void expect_to_go_back(Service& service, const Faults& faults, const std::string& fault,
                       const std::string& complaint) {
  const auto former = service.daemon().workers(2);
  faults.become(fault);
  service.install(next_program());
  service.daemon().signal(SIGUSR2);
  ASSERT_TRUE(service.daemon().logs(complaint)) << service.daemon().log();
  ASSERT_TRUE(service.daemon().logs("the upgrade failed; this program goes on: serving on "));
  EXPECT_TRUE(eventually([&] { return service.daemon().workers(2) == former; })) << service.daemon().log();
  faults.become("");
}

TEST(Upgrade, ToAProgramThatCannotTakeOverGoesBack) {
  const Faults faults("");
  Service service({"--workers", "2"}, "", {.environment = {faults.variable()}});
  Crowd crowd(service.port(), 20);
  expect_to_go_back(service, faults, "0 refuse\n",
                    "this program cannot take over: a fault was asked for; going back to the former one");
  EXPECT_EQ(service.ledger().active, 20U);
  EXPECT_TRUE(service.reload());
  const auto counts = crowd.finish();
  EXPECT_EQ(counts.broken(), 0U) << counts.text();
  EXPECT_EQ(service.daemon().stop().exit_code, 0);
}

TEST(Upgrade, ToAProgramWhoseWorkersFailGoesBack) {
  const Faults faults("");
  Service service({"--workers", "2"}, "", {.environment = {faults.variable()}});
  Crowd crowd(service.port(), 20);
  expect_to_go_back(service, faults, "2 abort\n", "; going back to the former program");
  service.ledger();
  EXPECT_THAT(service.daemon().log(), HasSubstr(" s, generation 1, 0 reloads, 1 failed"));
  EXPECT_TRUE(service.upgrade()) << "the workers are better now" << service.daemon().log();
  const auto counts = crowd.finish();
  EXPECT_EQ(counts.broken(), 0U) << counts.text();
  EXPECT_EQ(service.daemon().stop().exit_code, 0);
}

TEST(Upgrade, AskedForTwiceStillGoesBackToTheProgramThatCouldServe) {
  const Faults faults("");
  Service service({"--workers", "1"}, "", {.environment = {faults.variable()}});
  Crowd crowd(service.port(), 20);
  const auto program = [&] {
    return std::filesystem::read_symlink("/proc/" + std::to_string(service.daemon().pid()) + "/exe").string();
  };
  faults.become("1 abort\n");
  service.install_script(takes_its_time_to_answer("0.2"));
  service.daemon().signal(SIGUSR2);
  ASSERT_TRUE(service.daemon().logs("whether it can take over"));
  service.install(next_program());
  service.daemon().signal(SIGUSR2);
  ASSERT_TRUE(eventually([&] {
    return count_of(service.daemon().log(), "the upgrade failed; this program") == 2;
  })) << service.daemon().log();
  if (!is_instrumented()) {
    EXPECT_TRUE(program().ends_with(" (deleted)"))
        << program() << ": the first one, whose name has another file now";
  }
  faults.become("");
  ASSERT_TRUE(service.upgrade()) << service.daemon().log();
  const auto counts = crowd.finish();
  EXPECT_EQ(counts.broken(), 0U) << counts.text();
}

TEST(Upgrade, WithoutRoomForTheDescriptorsOfTwoProgramsIsRefused) {
  Launch launch;
  launch.open_files = 64;
  Service service({"--workers", "16"}, "", std::move(launch));
  ASSERT_TRUE(service.daemon().is_serving()) << service.daemon().log();
  Crowd crowd(service.port(), 10);
  ASSERT_TRUE(service.fails_to_upgrade());
  EXPECT_THAT(service.daemon().log(),
              HasSubstr("the limit is 64 (ulimit -n); this program goes on as before"));
  const auto counts = crowd.finish();
  EXPECT_EQ(counts.broken(), 0U) << counts.text();
}

TEST(Upgrade, ManyTimesLeavesTheDescriptorsOfTheMasterAsTheyWere) {
  Service service({"--workers", "2"});
  ASSERT_TRUE(service.daemon().is_serving());
  ASSERT_TRUE(service.upgrade());
  const auto before = open_descriptors(service.daemon().pid());
  for (std::size_t i = 0; i < rounds(10); ++i) ASSERT_TRUE(service.upgrade());
  EXPECT_TRUE(eventually([&] { return open_descriptors(service.daemon().pid()) <= before; }));
}

// ---- signals that come at a bad time

TEST(Upgrade, ThatFailsOwesAReloadThatWasAskedForMeanwhile) {
  const Faults faults("");
  Service service({}, "workers = 1\n", {.environment = {faults.variable()}});
  ASSERT_TRUE(service.daemon().is_serving());
  faults.become("1 abort\n");
  service.install_script(takes_its_time_to_answer("0.3"));
  service.daemon().signal(SIGUSR2);
  ASSERT_TRUE(service.daemon().logs("whether it can take over"));
  service.configure("workers = 3\n");
  service.daemon().signal(SIGHUP);
  ASSERT_TRUE(service.daemon().logs("; going back to the former program"));
  faults.become("");
  ASSERT_TRUE(service.daemon().logs("the upgrade failed; this program goes on"));
  EXPECT_TRUE(eventually([&] { return count_of(service.daemon().log(), "reloading\n") >= 2; }))
      << service.daemon().log();
}

TEST(Upgrade, IsNotKilledByAStormOfSignalsAndLosesNone) {
  Service service({}, "workers = 1\n");
  Crowd crowd(service.port(), 20);
  for (std::size_t i = 0; i < rounds(10); ++i) {
    service.install(i % 2 == 0 ? next_program() : Daemon::program());
    const auto upgrades = count_of(service.daemon().log(), "takes over");
    service.daemon().signal(SIGUSR2);
    ASSERT_TRUE(eventually([&] {
      for (const int number : {SIGHUP, SIGUSR1}) service.daemon().signal(number);
      return count_of(service.daemon().log(), "takes over") > upgrades;
    })) << service.daemon().log();
    // This one may come at any moment of the take-over, and counts.
    const std::size_t workers = 1 + (i + 1) % 3;
    service.configure("workers = " + std::to_string(workers) + "\n");
    service.daemon().signal(SIGHUP);
    ASSERT_TRUE(eventually([&] { return service.daemon().running_workers().size() == workers; }))
        << service.daemon().log();
  }
  const auto counts = crowd.finish();
  EXPECT_EQ(counts.broken(), 0U) << counts.text();
  EXPECT_EQ(service.daemon().stop().exit_code, 0) << service.daemon().log();
}

TEST(Upgrade, ThatIsAskedForDuringAReloadIsDoneAfterIt) {
  const Faults faults("");
  Service service({"--workers", "2"}, "", {.environment = {faults.variable()}});
  ASSERT_TRUE(service.daemon().is_serving());
  faults.become("1 slow\n");
  service.install(next_program());
  service.daemon().signal(SIGHUP);
  ASSERT_TRUE(service.daemon().logs("reloading\n"));
  service.daemon().signal(SIGUSR2);
  ASSERT_TRUE(service.daemon().logs("version 9.9.9-next takes over"));
  const auto log = service.daemon().log();
  EXPECT_LT(log.find("reloaded: generation 2"), log.find("whether it can take over")) << log;
  ASSERT_TRUE(service.daemon().logs("reloaded: generation 3"));
}

TEST(Upgrade, LeavesNoMomentInWhichAConnectionIsMadeThatEndsInAFinIfItsWorkerIsKilled) {
  Service service({"--workers", "1"});
  ASSERT_TRUE(service.daemon().is_serving());
  const auto gate = service.file("gate");
  ASSERT_EQ(::mkfifo(gate.c_str(), 0600), 0);
  // A builtin waits there, not a command.
  service.install_script("#!/bin/sh\n[ \"$1\" != take-over ] || read -r _ < " + gate + "\nexec " +
                         next_program() + " \"$@\"\n");
  service.daemon().signal(SIGUSR2);
  UniqueFd opened;
  ASSERT_TRUE(eventually([&] {  // once somebody reads
    opened.reset(::open(gate.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    return static_cast<bool>(opened);
  })) << service.daemon().log();
  Client client(service.port());
  EXPECT_EQ(client.echo("between two programs"), "between two programs");
  for (const auto worker : service.daemon().running_workers()) ::kill(worker, SIGKILL);
  client.receive_all();
  EXPECT_EQ(client.end(), End::kReset);
  ASSERT_EQ(::write(opened.get(), "\n", 1), 1);
  ASSERT_TRUE(service.daemon().logs("reloaded: generation 2")) << service.daemon().log();
}

TEST(Upgrade, ThatIsUnderWayDoesNotHoldUpAStop) {
  Service service({"--workers", "2"});
  ASSERT_TRUE(service.daemon().is_serving());
  service.install_script("#!/bin/sh\nexec sleep 60\n");
  service.daemon().signal(SIGUSR2);
  ASSERT_TRUE(service.daemon().logs("whether it can take over"));
  service.expect_to_stop_soon();
}

}  // namespace
}  // namespace tcp_echo::test
