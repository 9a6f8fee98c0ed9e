#include "tcp_echo/loop/child_process.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <memory>
#include <optional>

#include "support/sockets.hpp"
#include "support/wait.hpp"

namespace tcp_echo::test {
namespace {

SpawnRequest shell(const std::string& script, std::vector<int> descriptors = {-1, -1, -1}) {
  return {.file = "/bin/sh", .arguments = {"sh", "-c", script}, .descriptors = std::move(descriptors)};
}

struct Pipe {
  Pipe() {
    std::array<int, 2> fds{};
    EXPECT_EQ(::pipe2(fds.data(), O_CLOEXEC | O_NONBLOCK), 0);
    out = UniqueFd(fds[0]);
    in = UniqueFd(fds[1]);
  }
  UniqueFd out;
  UniqueFd in;
};

ExitStatus status_of(const SpawnRequest& request) {
  Loop loop;
  Reaper reaper(loop);
  std::optional<ExitStatus> ended;
  const auto child = value_or_throw(
      ChildProcess::spawn(loop, reaper, request, [&](const ExitStatus& status) { ended = status; }));
  EXPECT_TRUE(turn_until(loop, [&] { return ended.has_value(); }));
  return ended.value_or(ExitStatus{.code = -1, .signal = -1});
}

TEST(ChildProcess, TellsACleanExit) {
  const auto status = status_of(shell("exit 0"));
  EXPECT_TRUE(status.is_clean());
  EXPECT_EQ(status.text(), "exited with code 0");
}

TEST(ChildProcess, TellsTheExitCode) {
  const auto status = status_of(shell("exit 3"));
  EXPECT_FALSE(status.is_clean());
  EXPECT_EQ(status.text(), "exited with code 3");
}

TEST(ChildProcess, TellsTheSignalThatKilledIt) {
  const auto status = status_of(shell("kill -TERM $$"));
  EXPECT_FALSE(status.is_clean());
  EXPECT_EQ(status.signal, SIGTERM);
  EXPECT_EQ(status.text(), "died from SIGTERM");
}

TEST(ChildProcess, CanBeKilled) {
  Loop loop;
  Reaper reaper(loop);
  std::optional<ExitStatus> ended;
  const auto child = value_or_throw(ChildProcess::spawn(loop, reaper, shell("exec sleep 1000"),
                                                        [&](const ExitStatus& status) { ended = status; }));
  EXPECT_GT(child->pid(), 0);
  child->kill(SIGKILL);
  ASSERT_TRUE(turn_until(loop, [&] { return ended.has_value(); }));
  EXPECT_EQ(ended->signal, SIGKILL);
}

TEST(ChildProcess, KillingOneThatIsGoneIsNoError) {
  Loop loop;
  Reaper reaper(loop);
  bool ended = false;
  const auto child = value_or_throw(
      ChildProcess::spawn(loop, reaper, shell("exit 0"), [&](const ExitStatus&) { ended = true; }));
  ASSERT_TRUE(turn_until(loop, [&] { return ended; }));
  child->kill(SIGKILL);
}

TEST(ChildProcess, MayBeDestroyedInItsOwnCallback) {
  Loop loop;
  Reaper reaper(loop);
  bool ended = false;
  std::unique_ptr<ChildProcess> child;
  child = value_or_throw(ChildProcess::spawn(loop, reaper, shell("exit 0"), [&](const ExitStatus&) {
    child.reset();
    ended = true;
  }));
  EXPECT_TRUE(turn_until(loop, [&] { return ended; }));
}

TEST(ChildProcess, GetsTheDescriptorsInTheirOrder) {
  Loop loop;
  Reaper reaper(loop);
  Pipe one;
  Pipe two;
  bool ended = false;
  const auto child = value_or_throw(ChildProcess::spawn(
      loop, reaper, shell("printf three >&3; printf four >&4", {-1, -1, -1, two.in.get(), one.in.get()}),
      [&](const ExitStatus&) { ended = true; }));
  ASSERT_TRUE(turn_until(loop, [&] { return ended; }));
  std::array<char, 10> text{};
  ASSERT_EQ(::read(two.out.get(), text.data(), text.size()), 5);
  EXPECT_EQ(std::string_view(text.data(), 5), "three");
  ASSERT_EQ(::read(one.out.get(), text.data(), text.size()), 4);
  EXPECT_EQ(std::string_view(text.data(), 4), "four");
}

TEST(ChildProcess, LeadsASessionOfItsOwn) {
  Loop loop;
  Reaper reaper(loop);
  bool ended = false;
  const auto child = value_or_throw(
      ChildProcess::spawn(loop, reaper, shell("exec sleep 1000"), [&](const ExitStatus&) { ended = true; }));
  EXPECT_EQ(::getsid(child->pid()), child->pid());
  child->kill(SIGKILL);
  EXPECT_TRUE(turn_until(loop, [&] { return ended; }));
}

TEST(ChildProcess, RunsAsTheUserAndGroupThatItShall) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may start a process as another user";
  constexpr uid_t kSomeUser = 54321;
  constexpr gid_t kSomeGroup = 54322;
  Loop loop;
  Reaper reaper(loop);
  Pipe pipe;
  bool ended = false;
  auto request = shell("id -u; id -G", {-1, pipe.in.get(), -1});
  request.user = kSomeUser;
  request.group = kSomeGroup;
  const auto child =
      value_or_throw(ChildProcess::spawn(loop, reaper, request, [&](const ExitStatus&) { ended = true; }));
  ASSERT_TRUE(turn_until(loop, [&] { return ended; }));
  std::array<char, 64> text{};
  const auto size = ::read(pipe.out.get(), text.data(), text.size());
  EXPECT_EQ(std::string_view(text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))),
            "54321\n54322\n")
      << "the supplementary groups of root are dropped";
}

TEST(ChildProcess, DestroyedEarlyLeavesItsChildToTheReaper) {
  Loop loop;
  Reaper reaper(loop);
  pid_t pid = 0;
  {
    const auto child =
        value_or_throw(ChildProcess::spawn(loop, reaper, shell("exit 0"), [](const ExitStatus&) { FAIL(); }));
    pid = child->pid();
  }
  EXPECT_TRUE(turn_until(loop, [&] { return ::kill(pid, 0) != 0; })) << "a zombie is left";
}

TEST(ChildProcess, ThatCannotBeStartedIsAnErrorAndNoCallback) {
  Loop loop;
  Reaper reaper(loop);
  const auto child = ChildProcess::spawn(
      loop, reaper, {.file = "/nowhere/at/all", .arguments = {"at-all"}, .descriptors = {}},
      [](const ExitStatus&) { FAIL(); });
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().text, "start /nowhere/at/all: No such file or directory");
  for (int i = 0; i < 3; ++i) turn(loop);
}

/// Started by somebody else, as one was before an execve(2).
pid_t foreign_child() {
  const pid_t pid = ::fork();
  if (pid == 0) {
    for (;;) ::pause();
  }
  return pid;
}

TEST(ChildProcessThatIsAdopted, IsToldOfAndCanBeKilled) {
  Loop loop;
  Reaper reaper(loop);
  std::optional<ExitStatus> ended;
  const auto pid = foreign_child();
  const auto child = ChildProcess::adopt(reaper, pid, [&](const ExitStatus& status) { ended = status; });
  EXPECT_EQ(child->pid(), pid);
  child->kill(SIGKILL);
  ASSERT_TRUE(turn_until(loop, [&] { return ended.has_value(); }));
  EXPECT_EQ(ended->signal, SIGKILL);
}

TEST(ChildProcessThatIsAdopted, MayHaveDiedBefore) {
  const auto pid = foreign_child();
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
  Loop loop;
  Reaper reaper(loop);
  std::optional<ExitStatus> ended;
  const auto child = ChildProcess::adopt(reaper, pid, [&](const ExitStatus& status) { ended = status; });
  reaper.catch_up();
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->signal, SIGKILL);
  child->kill(SIGKILL);  // its pid may be a stranger's: nothing happens
}

TEST(ChildProcessThatIsAdopted, IsLeftToTheReaperWhenItIsDestroyedEarly) {
  Loop loop;
  Reaper reaper(loop);
  const auto pid = foreign_child();
  ChildProcess::adopt(reaper, pid, [](const ExitStatus&) { FAIL(); }).reset();
  ASSERT_EQ(::kill(pid, SIGKILL), 0) << "it should live";
  EXPECT_TRUE(turn_until(loop, [&] { return ::kill(pid, 0) != 0; })) << "a zombie is left";
}

}  // namespace
}  // namespace tcp_echo::test
