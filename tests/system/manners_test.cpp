// What is expected of a daemon: background, pid file, other users, log rotation, statistics, PID 1.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "system/client.hpp"
#include "system/daemon.hpp"
#include "system/faults.hpp"
#include "system/service.hpp"
#include "system/traffic.hpp"
#include "tcp_echo/net/listening_socket.hpp"

namespace tcp_echo::test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

/// As proc(5) shows real, effective, saved and file system's id.
std::string four_times(unsigned id) {
  const auto text = std::to_string(id);
  return text + "\t" + text + "\t" + text + "\t" + text;
}

bool holds(pid_t pid, const std::string& file) {
  std::error_code gone;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd", gone)) {
    if (std::filesystem::read_symlink(entry.path(), gone).string() == file) return true;
  }
  return false;
}

// ---- --pid-file

TEST(PidFile, HoldsTheMastersPidWhileItRunsAndIsRemovedThen) {
  const Folder folder;
  Daemon daemon(Daemon::on_free_port({"--pid-file", (folder / "pid").string()}));
  ASSERT_TRUE(daemon.is_serving());
  EXPECT_EQ(content(folder / "pid"), std::to_string(daemon.pid()) + "\n");
  EXPECT_EQ(daemon.stop().exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(folder / "pid"));
}

TEST(PidFile, RefusesASecondStartAndNamesTheHolder) {
  const Folder folder;
  const auto path = (folder / "pid").string();
  Daemon daemon(Daemon::on_free_port({"--pid-file", path}));
  ASSERT_TRUE(daemon.is_serving());
  // On the same port: the pid file is looked at before anything is bound.
  const auto second = run({{"--listen", "127.0.0.1:" + std::to_string(daemon.port()), "--pid-file", path}});
  EXPECT_EQ(second.exit_code, 73) << second.log;
  EXPECT_NE(second.log.find("process " + std::to_string(daemon.pid())), std::string::npos) << second.log;
  EXPECT_EQ(content(path), std::to_string(daemon.pid()) + "\n");
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(PidFile, OfAMasterThatWasKilledIsTakenOver) {
  const Folder folder;
  const auto path = (folder / "pid").string();
  {
    Daemon killed(Daemon::on_free_port({"--pid-file", path}));
    ASSERT_TRUE(killed.is_serving());
    killed.signal(SIGKILL);
    killed.wait();
    EXPECT_TRUE(std::filesystem::exists(path));
  }
  Daemon next(Daemon::on_free_port({"--pid-file", path}));
  ASSERT_TRUE(next.is_serving());
  EXPECT_EQ(content(path), std::to_string(next.pid()) + "\n");
  EXPECT_EQ(next.stop().exit_code, 0);
}

TEST(PidFile, ThatIsSomethingElseIsRefusedAndLeftAlone) {
  const Folder folder;
  std::ofstream(folder / "precious") << "my thesis\n";
  const auto outcome = run(Daemon::on_free_port({"--pid-file", (folder / "precious").string()}));
  EXPECT_EQ(outcome.exit_code, 73) << outcome.log;
  EXPECT_EQ(content(folder / "precious"), "my thesis\n");
}

TEST(PidFile, IsNotLeftBehindByAStartThatFails) {
  const Folder folder;
  const auto outcome = run({{"--listen", "192.0.2.1:1", "--pid-file", (folder / "pid").string()}});
  EXPECT_EQ(outcome.exit_code, 69) << outcome.log;
  EXPECT_FALSE(std::filesystem::exists(folder / "pid"));
}

// ---- --daemon

class Background : public testing::Test {
 protected:
  std::string pid_file() const { return (folder_ / "pid").string(); }
  std::string log_file() const { return (folder_ / "log").string(); }
  Launch launch(std::vector<std::string> more = {}) const {
    auto launch = Daemon::on_free_port({"--daemon", "--pid-file", pid_file(), "--log-file", log_file()});
    launch.arguments.insert(launch.arguments.end(), more.begin(), more.end());
    return launch;
  }
  std::filesystem::path file(const std::string& name) const { return folder_ / name; }

 private:
  Folder folder_;
};

TEST_F(Background, TheStarterReturnsZeroOnceTheServiceIsUp) {
  Daemon starter(launch({"--workers", "2"}));
  const auto outcome = starter.wait();
  ASSERT_EQ(outcome.exit_code, 0) << outcome.log;
  const auto pid = std::stoi(content(pid_file()));
  EXPECT_NE(pid, starter.pid());
  EXPECT_EQ(Client(port_in(content(log_file()))).echo("no waiting needed"), "no waiting needed");
  EXPECT_NE(::getsid(pid), ::getsid(0));
  EXPECT_NE(::getsid(pid), pid) << "a session's leader could get a terminal";
  EXPECT_EQ(std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/cwd"), "/");
  for (const auto* const fd : {"0", "1", "2"}) {
    EXPECT_EQ(std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/fd/" + fd), "/dev/null") << fd;
  }
  ::kill(pid, SIGTERM);
  EXPECT_TRUE(eventually([&] { return starter.survivors().empty(); }));
  EXPECT_FALSE(std::filesystem::exists(pid_file()));
}

TEST_F(Background, TheStarterTellsTheTrueErrorAndItsCode) {
  const auto stranger = open_listener(*Endpoint::parse("127.0.0.1:0"), {.backlog = 1});
  const auto taken = local_endpoint(stranger->get())->text();
  const auto outcome = run({{"--daemon", "--listen", taken, "--log-file", log_file()}});
  EXPECT_EQ(outcome.exit_code, 69);
  EXPECT_EQ(outcome.log,
            "tcp-echo-master: cannot listen on " + taken + ": another process listens there already\n");
  EXPECT_NE(content(log_file()).find("cannot listen on " + taken), std::string::npos)
      << "the log knows as well";
}

TEST_F(Background, TheStarterFailsWhenTheWorkersDo) {
  const Faults faults("1 abort\n2 abort\n");
  auto failing = launch({"--workers", "2"});
  failing.environment = {faults.variable()};
  const auto outcome = run(std::move(failing));
  EXPECT_EQ(outcome.exit_code, 75);
  EXPECT_NE(outcome.log.find("tcp-echo-master: the workers could not become ready: worker "),
            std::string::npos)
      << outcome.log;
  EXPECT_FALSE(std::filesystem::exists(pid_file()));
}

TEST_F(Background, ADaemonWhoseStarterWasInterruptedStopsAgain) {
  const Faults faults("1 mute\n2 mute\n");
  auto slow = launch({"--workers", "2", "--ready-timeout", "1h"});
  slow.environment = {faults.variable()};
  Daemon starter(std::move(slow));
  const auto workers = starter.workers(2);
  ::kill(starter.pid(), SIGINT);
  EXPECT_EQ(starter.wait().exit_code, -SIGINT);
  faults.become("");
  for (const auto worker : workers) ::kill(worker, SIGKILL);  // their successors become ready
  EXPECT_TRUE(eventually([&] { return starter.survivors().empty(); })) << content(log_file());
}

// ---- --user, --group

TEST(User, WorkersRunAsTheOtherOneAndServe) {
  if (!sees_processes_of_others()) GTEST_SKIP() << "not root, or root without CAP_SYS_PTRACE";
  const auto* const nobody = ::getpwnam("nobody");
  ASSERT_NE(nobody, nullptr);
  const Folder folder;
  Daemon daemon(Daemon::on_free_port({"--workers", "2", "--user", "nobody", "--log-level", "debug",
                                      "--log-file", (folder / "log").string()}));
  ASSERT_TRUE(eventually([&] { return port_in(content(folder / "log")) != 0; }));
  std::filesystem::permissions(folder / "log", std::filesystem::perms(0600));
  for (const auto worker : daemon.workers(2)) {
    EXPECT_EQ(proc_status(worker, "Uid"), four_times(nobody->pw_uid));
    EXPECT_EQ(proc_status(worker, "Gid"), four_times(nobody->pw_gid));
    EXPECT_EQ(proc_status(worker, "Groups"), "") << "no supplementary groups";
  }
  EXPECT_EQ(proc_status(daemon.pid(), "Uid"), four_times(0));
  EXPECT_EQ(Client(port_in(content(folder / "log"))).echo("hi"), "hi");
  const auto victim = daemon.workers(2).front();
  ::kill(victim, SIGKILL);
  EXPECT_EQ(proc_status(daemon.worker_after(victim), "Uid"), four_times(nobody->pw_uid))
      << "of a successor as well";
  EXPECT_EQ(daemon.stop().exit_code, 0);
  EXPECT_NE(content(folder / "log").find("tcp-echo[wrk1]"), std::string::npos)
      << "they log to a file that they may not open";
}

TEST(User, AMasterThatIsNotRootCannotChangeIt) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can start the daemon as another user";
  const Folder folder;
  std::filesystem::copy_file(Daemon::program(), folder / "tcp-echo-master");
  auto launch = Daemon::on_free_port({"--user", "nobody"});
  launch.program = (folder / "tcp-echo-master").string();
  launch.user = 54321;
  const auto outcome = run(std::move(launch));
  EXPECT_EQ(outcome.exit_code, 77) << outcome.log;
  EXPECT_NE(outcome.log.find("--user: only root"), std::string::npos) << outcome.log;
}

TEST(User, ThatIsUnknownIsAMistakeOfTheCommandLine) {
  const auto outcome = run(Daemon::on_free_port({"--user", "no-such-user"}));
  EXPECT_EQ(outcome.exit_code, 64) << outcome.log;
  EXPECT_NE(outcome.log.find("--user: 'no-such-user' is not known here"), std::string::npos) << outcome.log;
}

TEST(User, OrphansThatRunAsAnotherOneDoNotOutliveTheirMasterEither) {
  if (!sees_processes_of_others()) GTEST_SKIP() << "not root, or root without CAP_SYS_PTRACE";
  Daemon daemon(Daemon::on_free_port(
      {"--workers", "1", "--user", "nobody", "--watchdog", "0", "--shutdown-timeout", "1s"}));
  ASSERT_TRUE(daemon.is_serving());
  ::kill(daemon.workers(1).front(), SIGSTOP);  // a change of user clears PR_SET_PDEATHSIG (prctl(2))
  daemon.signal(SIGKILL);
  EXPECT_TRUE(eventually([&] { return daemon.survivors().empty(); }));
}

// ---- log rotation

TEST(LogRotation, LosesNoLineOfAnyProcess) {
  const Folder folder;
  const auto log = folder / "log";
  Daemon daemon(Daemon::on_free_port({"--workers", "2", "--log-level", "debug", "--log-file", log.string()}));
  ASSERT_TRUE(eventually([&] { return port_in(content(log)) != 0; }));
  Stream stream(port_in(content(log)), 3);
  const auto rotations = static_cast<int>(rounds(20));
  for (int i = 0; i < rotations; ++i) {
    const auto served = stream.served();
    ASSERT_TRUE(eventually([&] { return stream.served() > served + 20; }));
    std::filesystem::rename(log, folder / ("log." + std::to_string(i)));
    daemon.signal(SIGUSR1);
    ASSERT_TRUE(eventually([&] { return content(log).find("reopened the log file") != std::string::npos; }));
  }
  const auto served = stream.finish().served;
  EXPECT_EQ(daemon.stop().exit_code, 0);
  std::string all = content(log);
  for (int i = 0; i < rotations; ++i) all += content(folder / ("log." + std::to_string(i)));
  EXPECT_EQ(count_of(all, " closes: client, after "), served)
      << "a worker logs one line for each at this level";
}

TEST(LogRotation, LeavesNoProcessWithTheOldFile) {
  const Folder folder;
  const auto log = folder / "log";
  Daemon daemon(Daemon::on_free_port({"--workers", "2", "--log-file", log.string()}));
  ASSERT_TRUE(eventually([&] { return port_in(content(log)) != 0; }));
  std::filesystem::rename(log, folder / "old");
  daemon.signal(SIGUSR1);
  EXPECT_TRUE(eventually([&] {
    const auto pids = daemon.survivors();
    return pids.size() == 3 && std::none_of(pids.begin(), pids.end(),
                                            [&](pid_t pid) { return holds(pid, (folder / "old").string()); });
  }));
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(LogRotation, ThatCannotBeDoneLeavesTheOldFileInUse) {
  const Folder folder;
  std::filesystem::create_directory(folder / "logs");
  Daemon daemon(Daemon::on_free_port({"--workers", "1", "--log-file", (folder / "logs/log").string()}));
  ASSERT_TRUE(eventually([&] { return port_in(content(folder / "logs/log")) != 0; }));
  std::filesystem::rename(folder / "logs", folder / "moved");
  daemon.signal(SIGUSR1);
  EXPECT_TRUE(eventually([&] {
    return content(folder / "moved/log").find("No such file or directory; going on with the old one") !=
           std::string::npos;
  }));
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(Statistics, OfEachWorkerAreLoggedOnUsr1) {
  Daemon daemon(Daemon::on_free_port({"--workers", "2"}));
  Client client(daemon.port());
  ASSERT_EQ(client.echo("12345"), "12345");
  // A client may have its bytes an instant before the worker has counted them.
  EXPECT_TRUE(eventually([&] {
    daemon.signal(SIGUSR1);
    return daemon.log().find("5 B sent") != std::string::npos;
  }));
  ASSERT_TRUE(daemon.logs("up for "));
  const auto log = daemon.log();
  EXPECT_THAT(
      log,
      HasSubstr(" is serving: 1 connection open, 1 accepted, 0 closed, 0 handed over to it, 0 by it, 5 B "
                "received, 5 B sent, 0 restarts\n"));
  EXPECT_THAT(
      log,
      HasSubstr(" is serving: 0 connections open, 0 accepted, 0 closed, 0 handed over to it, 0 by it, 0 B "
                "received, 0 B sent, 0 restarts\n"));
  EXPECT_THAT(log, ContainsRegex("up for [0-9]+ s, generation 1, 0 reloads, 0 failed\n"));
  client.close();
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(Statistics, BalanceHoweverBusyTheWorkersAre) {
  Service service({"--workers", "2"});
  Stream stream(service.port(), 3);
  for (std::size_t i = 0; i < rounds(200); ++i) {
    const auto workers = service.ledgers();
    ASSERT_EQ(workers.size(), 2U);
    for (const auto& worker : workers) {
      ASSERT_EQ(worker.active + worker.closed + worker.handed_over_out,
                worker.accepted + worker.handed_over_in);
    }
  }
  EXPECT_GT(stream.finish().served, 0U);
}

// ---- PID 1

TEST(PidOne, StrangersAreReaped) {
  auto launch = Daemon::on_free_port({"--workers", "1"});
  // The shell becomes the daemon, which inherits a child that it never started.
  launch.prefix = {"/bin/sh", "-c", "/bin/true & exec \"$@\"", "sh"};
  Daemon daemon(std::move(launch));
  ASSERT_TRUE(daemon.is_serving());
  EXPECT_TRUE(eventually([&] { return children_of(daemon.pid()).size() == 1; })) << "a zombie is left";
  EXPECT_EQ(Client(daemon.port()).echo("hi"), "hi");
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(PidOne, ServesAndStopsOnASignalAndReapsOrphans) {
  const std::string unshare_program = "/usr/bin/unshare";
  if (std::system((unshare_program + " --pid --fork --mount-proc true 2>/dev/null").c_str()) != 0)
    GTEST_SKIP() << "no PID namespace may be made here";
  auto launch = Daemon::on_free_port({"--workers", "2"});
  launch.prefix = {unshare_program, "--pid", "--fork", "--mount-proc", "--kill-child"};
  Daemon unshare(std::move(launch));
  ASSERT_TRUE(unshare.is_serving()) << unshare.log();
  const auto children = children_of(unshare.pid());
  ASSERT_EQ(children.size(), 1U);
  const auto master = children.front();
  EXPECT_TRUE(proc_status(master, "NSpid").ends_with("\t1"));
  EXPECT_EQ(Client(unshare.port()).echo("hi"), "hi");
  // An orphan of that namespace: the child of a shell that is gone.
  const auto pid = std::to_string(master);
  ASSERT_EQ(std::system(("nsenter --target " + pid + " --pid /bin/sh -c '/bin/true &'").c_str()), 0);
  EXPECT_TRUE(eventually([&] { return children_of(master).size() == 2; })) << "a zombie is left";
  ::kill(master, SIGTERM);
  EXPECT_EQ(unshare.wait().exit_code, 0) << unshare.log();
}

}  // namespace
}  // namespace tcp_echo::test
