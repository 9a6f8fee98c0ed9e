// A log that nobody reads, or that cannot be written: the service goes on as if it could.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "system/client.hpp"
#include "system/daemon.hpp"
#include "system/service.hpp"
#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo::test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

// ---- a reader that has stalled

std::string fdinfo(pid_t pid, int fd) {
  return content("/proc/" + std::to_string(pid) + "/fdinfo/" + std::to_string(fd));
}

/// Enough of them that what is logged at --log-level debug does not fit into the pipe.
void serve_some(std::uint16_t port) {
  for (int i = 0; i < 100; ++i) ASSERT_EQ(Client(port).echo("hi"), "hi") << "client " << i;
}

bool has_ended(pid_t pid) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

TEST(LogThatNobodyReads, StopsNoProcess) {
  Daemon daemon(Daemon::on_free_port({"--workers", "2", "--log-level", "debug"}));
  const auto port = daemon.port();
  const auto workers = daemon.workers(2);
  daemon.stop_reading();
  serve_some(port);
  daemon.signal(SIGUSR1);  // the master has something to log as well
  serve_some(port);
  EXPECT_EQ(daemon.workers(2), workers);
  daemon.signal(SIGTERM);
  EXPECT_TRUE(eventually([&] { return has_ended(daemon.pid()); }));
  EXPECT_EQ(daemon.wait().exit_code, 0);
}

TEST(LogThatNobodyReads, SaysWhatItHasLostWhenItIsReadAgain) {
  Daemon daemon(Daemon::on_free_port({"--workers", "1", "--log-level", "debug"}));
  const auto port = daemon.port();
  daemon.stop_reading();
  serve_some(port);
  daemon.go_on_reading();
  EXPECT_TRUE(eventually([&] {
    Client(port).echo("hi");
    return daemon.log().find(" lost, because nobody read it\n") != std::string::npos;
  }));
  EXPECT_THAT(daemon.log(),
              ContainsRegex("warning tcp-echo.wrk1. [0-9]+: log: [0-9]+ lines? w[a-z]+ lost, because"));
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(LogThatNobodyReads, StopsNoProcessThatMayNotOpenItAnew) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can start the daemon as another user";
  const Folder folder;
  std::filesystem::copy_file(Daemon::program(), folder / "tcp-echo-master");
  auto launch = Daemon::on_free_port({"--workers", "2", "--log-level", "debug"});
  launch.program = (folder / "tcp-echo-master").string();
  launch.user = 54321;  // and the pipe belongs to root
  Daemon daemon(std::move(launch));
  const auto port = daemon.port();
  daemon.stop_reading();
  serve_some(port);
  daemon.signal(SIGTERM);
  EXPECT_TRUE(eventually([&] { return has_ended(daemon.pid()); }));
  EXPECT_EQ(daemon.wait().exit_code, 0);
}

TEST(LogThatIsInherited, KeepsItsFlagsForThoseWhoHaveItToo) {
  Daemon daemon(Daemon::on_free_port({"--workers", "1"}));
  ASSERT_TRUE(daemon.is_serving());
  const auto nonblocking = ContainsRegex("flags:\t[0-7]*[4-7][0-7][0-7][0-7]\n");
  EXPECT_THAT(fdinfo(daemon.pid(), STDERR_FILENO), testing::Not(nonblocking))
      << "the shell has that one, too";
  EXPECT_THAT(fdinfo(daemon.workers(1).front(), STDERR_FILENO), nonblocking);
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

// ---- a file that may not grow

TEST(LogFile, ThatHasReachedTheLimitOfItsSizeStopsNoProcess) {
  const Folder folder;
  const auto log = folder / "log";
  Daemon daemon(Daemon::on_free_port({"--workers", "2", "--log-level", "debug", "--log-file", log.string()}));
  ASSERT_TRUE(eventually([&] { return port_in(content(log)) != 0; }));
  const auto workers = daemon.workers(2);
  const rlimit limit{4096, RLIM_INFINITY};
  for (const pid_t pid : {daemon.pid(), workers[0], workers[1]})
    ASSERT_EQ(::prlimit(pid, RLIMIT_FSIZE, &limit, nullptr), 0);
  serve_some(port_in(content(log)));
  EXPECT_EQ(daemon.workers(2), workers);
  std::filesystem::rename(log, folder / "old");
  daemon.signal(SIGUSR1);
  EXPECT_TRUE(eventually([&] { return content(log).find("up for ") != std::string::npos; }));
  EXPECT_TRUE(eventually([&] {
    Client(port_in(content(folder / "old"))).echo("hi");
    return content(log).find(" lost: File too large\n") != std::string::npos;
  }));
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

// ---- a terminal

/// With nobody in front of it.
class Terminal {
 public:
  Terminal() : master_(::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)) {
    if (!master_ || ::grantpt(master_.get()) != 0 || ::unlockpt(master_.get()) != 0)
      throw std::runtime_error("no terminal can be made");
  }

  /// What everything on it has written so far.
  const std::string& screen() {
    std::array<char, 4096> buffer{};
    for (ssize_t size = 0; (size = ::read(master_.get(), buffer.data(), buffer.size())) > 0;)
      screen_.append(buffer.data(), static_cast<std::size_t>(size));
    return screen_;
  }

  /// A shell that runs a program in the background of this terminal, and ends as the program does.
  std::vector<std::string> background_job() const {
    const std::string script = std::string("exec <>") + ::ptsname(master_.get()) +
                               " >&0 2>&0; stty tostop; set -m; \"$@\" & wait $!";
    return {"/usr/bin/setsid", "/bin/sh", "-c", script, "sh"};
  }

 private:
  UniqueFd master_;
  std::string screen_;
};

TEST(LogOnATerminal, DoesNotStopABackgroundJob) {
  Terminal terminal;
  auto launch = Daemon::on_free_port({"--workers", "2"});
  launch.prefix = terminal.background_job();
  Daemon shell(std::move(launch));
  ASSERT_TRUE(eventually([&] { return port_in(terminal.screen()) != 0; })) << terminal.screen();
  EXPECT_EQ(Client(port_in(terminal.screen())).echo("hi"), "hi");
  const auto children = children_of(shell.pid());
  ASSERT_EQ(children.size(), 1U);
  ::kill(children.front(), SIGTTOU);  // from an operator it means what it always does
  EXPECT_TRUE(eventually([&] { return terminal.screen().find("scaled to 1 worker") != std::string::npos; }));
  ::kill(children.front(), SIGTERM);
  EXPECT_EQ(shell.wait().exit_code, 0);
  EXPECT_EQ(count_of(terminal.screen(), ": scaling "), 1U);
}

TEST(LogOnATerminal, LetsABackgroundJobEndThatCannotStart) {
  Terminal terminal;
  auto launch = Daemon::on_free_port({"--no-such-option"});
  launch.prefix = terminal.background_job();
  Daemon shell(std::move(launch));
  EXPECT_EQ(shell.wait().exit_code, 64);
  EXPECT_THAT(terminal.screen(),
              HasSubstr("tcp-echo-master: command line: '--no-such-option' is not an option"));
}

// ---- syslog

/// In place of the machine's syslog, for one test at a time.
class DevLog {
 public:
  DevLog() : turn_(::open("/tmp/tcp-echo-test.dev-log", O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    ::flock(turn_.get(), LOCK_EX);
    if (::geteuid() != 0 || std::filesystem::exists(kPath)) return;
    socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const sockaddr_un address{.sun_family = AF_UNIX, .sun_path = "/dev/log"};
    if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("bind");
    std::filesystem::permissions(kPath, std::filesystem::perms(0666));
  }
  ~DevLog() {
    if (socket_) std::filesystem::remove(kPath);
  }
  DevLog(const DevLog&) = delete;
  DevLog& operator=(const DevLog&) = delete;

  /// Not if somebody else listens there, or this is not root.
  explicit operator bool() const { return static_cast<bool>(socket_); }

  /// All that has come so far, read now.
  const std::string& text() {
    std::array<char, 4096> line{};
    for (ssize_t size = 0; (size = ::recv(socket_.get(), line.data(), line.size(), MSG_DONTWAIT)) > 0;)
      text_.append(line.data(), static_cast<std::size_t>(size)).append("\n");
    return text_;
  }
  bool says(const std::string& part) {
    return eventually([&] { return text().find(part) != std::string::npos; });
  }

 private:
  static constexpr const char* kPath = "/dev/log";
  UniqueFd turn_;
  UniqueFd socket_;
  std::string text_;
};

/// Two workers in the background, whose log goes to syslog; at the end nothing of them is left.
class LogToSyslog : public testing::Test {
 protected:
  void SetUp() override {
    if (!syslog_) GTEST_SKIP() << "somebody else listens on /dev/log, or this is not root";
    starter_.emplace(Daemon::on_free_port(
        {"--daemon", "--workers", "2", "--pid-file", (folder_ / "pid").string(), "--log-level", "debug"}));
    // Who listens there reads all the time: its queue has room for few lines.
    ASSERT_TRUE(syslog_.says("]: serving on 127.0.0.1:")) << syslog_.text();
    EXPECT_EQ(starter_->wait().exit_code, 0) << starter_->log();
  }
  void TearDown() override {
    if (!starter_) return;
    for (const pid_t pid : starter_->survivors()) ::kill(pid, SIGKILL);  // of a test that has failed
  }
  DevLog& syslog() { return syslog_; }
  std::uint16_t port() { return port_in(syslog_.text()); }
  void terminate() const { ::kill(std::stoi(content(folder_ / "pid")), SIGTERM); }
  bool is_gone() {
    return eventually([&] { return starter_->survivors().empty(); });
  }

 private:
  Folder folder_;
  DevLog syslog_;
  std::optional<Daemon> starter_;
};

TEST_F(LogToSyslog, IsThatOfAllProcessesInTheBackgroundWithoutALogFile) {
  EXPECT_EQ(Client(port()).echo("hi"), "hi");
  terminate();
  EXPECT_TRUE(syslog().says("]: stopped")) << syslog().text();
  EXPECT_THAT(syslog().text(),
              ContainsRegex("<30>[A-Z][^ ]+ +[0-9]+ [0-9:]+ tcp-echo.mastr..[0-9]+.: serving on "));
  EXPECT_THAT(syslog().text(), ContainsRegex("<31>[^<]+ tcp-echo.wrk[12]..[0-9]+.: connection "));
  EXPECT_TRUE(is_gone());
}

TEST_F(LogToSyslog, StopsNoProcessWhenNobodyReadsIt) {
  serve_some(port());
  terminate();
  EXPECT_TRUE(is_gone());
}

TEST_F(LogToSyslog, SaysWhatItHasLostWhenItIsReadAgain) {
  const auto where = port();
  serve_some(where);
  EXPECT_TRUE(eventually([&] {
    Client(where).echo("hi");
    return syslog().text().find(" lost, because nobody read it\n") != std::string::npos;
  }));
  terminate();
  EXPECT_TRUE(syslog().says("]: stopped"));
  EXPECT_TRUE(is_gone());
}

// ---- a FIFO

TEST(LogFifo, ThatNobodyReadsIsRefusedAtTheStart) {
  const Folder folder;
  const auto fifo = (folder / "fifo").string();
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const auto outcome = run(Daemon::on_free_port({"--log-file", fifo}));
  EXPECT_EQ(outcome.exit_code, 73);
  EXPECT_EQ(outcome.log, "tcp-echo-master: open the log file " + fifo + ": nobody reads the FIFO\n");
}

TEST(LogFifo, ThatNobodyReadsIsNotTakenInARotation) {
  const Folder folder;
  const auto log = folder / "log";
  Daemon daemon(Daemon::on_free_port({"--workers", "1", "--log-file", log.string()}));
  ASSERT_TRUE(eventually([&] { return content(log).find("serving on ") != std::string::npos; }));
  std::filesystem::rename(log, folder / "old");
  ASSERT_EQ(::mkfifo(log.c_str(), 0600), 0);
  daemon.signal(SIGUSR1);
  const auto line =
      "open the log file " + log.string() + ": nobody reads the FIFO; going on with the old one\n";
  EXPECT_TRUE(eventually([&] { return content(folder / "old").find(line) != std::string::npos; }));
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(LogFifo, ThatNobodyReadsIsNotTakenByAReload) {
  Service service({"--workers", "1"});
  const auto port = service.port();
  const auto fifo = service.file("fifo");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  service.configure("log_file = \"" + fifo + "\"\n");
  ASSERT_TRUE(service.fails_to_reload());
  EXPECT_THAT(service.daemon().log(), HasSubstr("reload failed: open the log file " + fifo +
                                                ": nobody reads the FIFO; generation 1 goes on as before\n"));
  EXPECT_EQ(Client(port).echo("still here"), "still here");
  service.expect_to_stop_soon();
}

}  // namespace
}  // namespace tcp_echo::test
