#include "tcp_echo/daemon/background.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "support/child.hpp"
#include "support/wait.hpp"
#include "tcp_echo/base/error.hpp"
#include "tcp_echo/loop/signal.hpp"

namespace tcp_echo::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

/// One end of a line between the test and a daemon. The end of the other side is heard as an empty word.
class Line {
 public:
  Line() = default;
  explicit Line(int fd) : fd_(fd) {}

  void say(const std::string& word) const { ::send(fd_.get(), word.data(), word.size(), MSG_NOSIGNAL); }
  std::string hear() const {
    std::array<char, 256> buffer{};
    const auto size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    return size <= 0 ? std::string() : std::string(buffer.data(), static_cast<std::size_t>(size));
  }
  void hang_up() { fd_.reset(); }

 private:
  UniqueFd fd_;
};

/// A process that goes to the background, and the daemon that it leaves there.
class Started {
 public:
  /// The daemon runs `body` and ends. One that listens to the test also ends with this object, which hangs
  /// up.
  template <class Body>
  explicit Started(Body body) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
      throw std::runtime_error("socketpair");
    PipeEnds output;
    {
      const Line daemons(ends[1]);
      pid_ = fork_with_nothing_unwritten();
      if (pid_ == 0) {
        ::close(ends[0]);
        go_to_the_background(output, daemons, body);
      }
    }
    line_ = Line(ends[0]);
    output_ = std::move(output.reading);
    output.writing.reset();
    daemon_ = std::atoi(line_.hear().c_str());
  }
  ~Started() {
    line_.hang_up();
    while (::wait(nullptr) > 0) {  // the daemon became our child
    }
  }
  Started(const Started&) = delete;
  Started& operator=(const Started&) = delete;

  pid_t pid() const { return pid_; }
  pid_t daemon() const { return daemon_; }
  const Line& line() const { return line_; }

  bool has_ended() const {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
           info.si_pid != 0;
  }

  /// As waitpid(2) tells it.
  int ending() const {
    int status = -1;
    ::waitpid(pid_, &status, 0);
    return status;
  }
  int exit_code() const {
    const int status = ending();
    EXPECT_TRUE(WIFEXITED(status)) << status;
    return WEXITSTATUS(status);
  }

  /// What both wrote to stdout and stderr, once they have let go of them.
  std::string output() const { return read_to_end(output_); }

 private:
  template <class Body>
  [[noreturn]] static void go_to_the_background(PipeEnds& output, const Line& test, Body body) {
    ::dup2(output.writing.get(), STDOUT_FILENO);
    ::dup2(output.writing.get(), STDERR_FILENO);
    output.reading.reset();
    output.writing.reset();
    ignore_signal(SIGPIPE);  // as main() does
    auto background = tcp_echo::Background::enter();
    if (!background) ::_exit(static_cast<int>(background.error()));
    test.say(std::to_string(::getpid()));
    body(*background, test);
    ::_exit(0);
  }

  Line line_;
  UniqueFd output_;
  pid_t pid_ = 0;
  pid_t daemon_ = 0;
};

/// Orphans become children of this process, so that a test sees its daemon end and leaves none behind.
class Background : public testing::Test {
 public:
  Background() { ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }
  ~Background() override { ::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0); }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;
};

using Entered = tcp_echo::Background;

/// Until the test says a word.
void idle(const Entered& /*background*/, const Line& test) { test.hear(); }

void report_ready_when_told(Entered& background, const Line& test) {
  test.hear();
  test.say(background.report_ready() ? "heard" : "not heard");
  test.hear();
}

fs::path proc(pid_t pid) { return fs::path("/proc") / std::to_string(pid); }

pid_t parent_of(pid_t pid) {
  std::ifstream stream(proc(pid) / "status");
  for (std::string word; stream >> word;) {
    if (word == "PPid:" && stream >> word) return std::atoi(word.c_str());
  }
  return -1;
}

/// Between it and the process that was started was one more, which has ended.
bool is_orphan(pid_t daemon) { return parent_of(daemon) == ::getpid(); }

std::string leads_to(pid_t pid, int fd) { return fs::read_symlink(proc(pid) / "fd" / std::to_string(fd)); }

TEST_F(Background, KeepsTheStartedProcessWaitingUntilTheDaemonIsReady) {
  const Started started(report_ready_when_told);
  ASSERT_TRUE(eventually([&] { return is_orphan(started.daemon()); }));
  EXPECT_FALSE(started.has_ended());
  started.line().say("be ready");
  EXPECT_EQ(started.line().hear(), "heard");
  EXPECT_EQ(started.exit_code(), 0);
  EXPECT_THAT(started.output(), IsEmpty());
}

TEST_F(Background, LetsTheDaemonGoOnAfterTheStartedProcessHasEnded) {
  const Started started(report_ready_when_told);
  started.line().say("be ready");
  EXPECT_EQ(started.exit_code(), 0);
  EXPECT_EQ(started.line().hear(), "heard");
  EXPECT_EQ(::kill(started.daemon(), 0), 0);
}

TEST_F(Background, HandsTheCodeOfAFailureToTheStartedProcess) {
  const Started started([](Entered& background, const Line&) {
    std::fputs("why it failed\n", stderr);
    background.report_failure(ExitCode::kUnavailable);
  });
  EXPECT_EQ(started.exit_code(), static_cast<int>(ExitCode::kUnavailable));
  EXPECT_EQ(started.output(), "why it failed\n");
}

TEST_F(Background, TellsOfADaemonThatDiesWithoutAReport) {
  const Started started([](Entered&, const Line&) { ::raise(SIGKILL); });
  EXPECT_EQ(started.exit_code(), static_cast<int>(ExitCode::kSoftware));
  EXPECT_EQ(started.output(), "tcp-echo-master: the daemon died before it was ready\n");
}

TEST_F(Background, TellsOfADaemonThatEndsWithoutAReport) {
  const Started started([](Entered&, const Line&) {});
  EXPECT_EQ(started.exit_code(), static_cast<int>(ExitCode::kSoftware));
}

TEST_F(Background, CountsOnlyTheFirstReport) {
  const Started started([](Entered& background, const Line&) {
    background.report_ready();
    background.report_failure(ExitCode::kConfig);
  });
  EXPECT_EQ(started.exit_code(), 0);
}

TEST_F(Background, IsWaitedForUntilTheReport) {
  const Started started([](Entered& background, const Line& test) {
    test.say(background.is_waited_for() ? "waited for" : "alone");
    background.report_ready();
    test.say(background.is_waited_for() ? "waited for" : "alone");
  });
  EXPECT_EQ(started.line().hear(), "waited for");
  EXPECT_EQ(started.line().hear(), "alone");
}

TEST_F(Background, GivesTheDaemonASessionThatItDoesNotLead) {
  const Started started(idle);
  const auto session = ::getsid(started.daemon());
  EXPECT_GT(session, 0);
  EXPECT_NE(session, ::getsid(0)) << "the session of whoever started it";
  EXPECT_NE(session, started.daemon()) << "it could be given a terminal";
}

TEST_F(Background, MakesTheDaemonNobodysChild) {
  const Started started(idle);
  EXPECT_NE(parent_of(started.daemon()), started.pid());
  EXPECT_TRUE(eventually([&] { return is_orphan(started.daemon()); }));
}

TEST_F(Background, LetsTheDaemonWorkInTheRootFolder) {
  const Started started(idle);
  EXPECT_EQ(fs::read_symlink(proc(started.daemon()) / "cwd"), "/");
}

TEST_F(Background, TakesTheInputAwayAtOnceAndTheOutputsOnceReady) {
  const Started started(report_ready_when_told);
  const auto pid = started.daemon();
  EXPECT_EQ(leads_to(pid, STDIN_FILENO), "/dev/null");
  EXPECT_THAT(leads_to(pid, STDOUT_FILENO), HasSubstr("pipe:"));
  EXPECT_THAT(leads_to(pid, STDERR_FILENO), HasSubstr("pipe:"));
  started.line().say("be ready");
  ASSERT_EQ(started.line().hear(), "heard");
  EXPECT_EQ(leads_to(pid, STDOUT_FILENO), "/dev/null");
  EXPECT_EQ(leads_to(pid, STDERR_FILENO), "/dev/null");
}

TEST_F(Background, TellsTheDaemonThatNobodyWaitsAnyMore) {
  const Started started(report_ready_when_told);
  ::kill(started.pid(), SIGKILL);
  ASSERT_EQ(started.ending(), SIGKILL);
  started.line().say("be ready");
  EXPECT_EQ(started.line().hear(), "not heard");
}

/// Asked from inside: /proc shows what Valgrind holds back, not what its guest does.
bool holds_back(int number) {
  sigset_t held;
  ::sigprocmask(SIG_BLOCK, nullptr, &held);
  return ::sigismember(&held, number) == 1;
}

TEST_F(Background, LetsTheWaitingProcessTakeSignalsThatTheDaemonStillHoldsBack) {
  hold_signals();
  const Started started([](Entered&, const Line& test) {
    test.say(holds_back(SIGINT) && holds_back(SIGTERM) ? "held back" : "let in");
    test.hear();
  });
  release_signals();
  EXPECT_EQ(started.line().hear(), "held back");
  ::kill(started.pid(), SIGINT);
  EXPECT_EQ(started.ending(), SIGINT);
}

TEST_F(Background, IsAnErrorWhereNoProcessCanBeMade) {
  EXPECT_EQ(in_child([] {
              const rlimit none{.rlim_cur = 0, .rlim_max = 0};
              ::setrlimit(RLIMIT_NPROC, &none);
              if (::geteuid() == 0 && ::setuid(kNobody) != 0)
                return std::string("still root");  // no limit for root
              try {
                static_cast<void>(tcp_echo::Background::enter());
              } catch (const FatalError& error) {
                return std::to_string(static_cast<int>(error.code())) + ": " + error.what();
              }
              return std::string("entered");
            }),
            "71: go to the background: Resource temporarily unavailable");
}

}  // namespace
}  // namespace tcp_echo::test
