#include "tcp_echo/loop/reaper.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <optional>
#include <vector>

#include "support/wait.hpp"

namespace tcp_echo::test {
namespace {

/// A child that exits at once.
pid_t child_that_exits(int code) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(code);
  return pid;
}

bool is_gone(pid_t pid) { return ::kill(pid, 0) != 0; }

TEST(Reaper, TellsHowAWatchedChildEnded) {
  Loop loop;
  Reaper reaper(loop);
  std::optional<ExitStatus> ended;
  reaper.watch(child_that_exits(7), [&](const ExitStatus& status) { ended = status; });
  ASSERT_TRUE(turn_until(loop, [&] { return ended.has_value(); }));
  EXPECT_EQ(ended->text(), "exited with code 7");
}

TEST(Reaper, ReapsStrangersToo) {
  Loop loop;
  Reaper reaper(loop);
  const auto stranger = child_that_exits(0);
  EXPECT_TRUE(turn_until(loop, [&] { return is_gone(stranger); })) << "a zombie is left";
}

/// One that is a zombie already, and whose SIGCHLD nobody has heard.
pid_t child_that_has_exited(int code) {
  const auto pid = child_that_exits(code);
  siginfo_t info{};
  EXPECT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
  return pid;
}

TEST(Reaper, CatchesUpWithThoseThatDiedBeforeItCame) {
  const auto stranger = child_that_has_exited(0);
  Loop loop;
  Reaper reaper(loop);
  reaper.catch_up();
  EXPECT_TRUE(is_gone(stranger)) << "a zombie is left";
}

TEST(Reaper, CatchesUpForThoseThatAreWatchedByThen) {
  const auto one = child_that_has_exited(7);
  const auto other = child_that_has_exited(8);
  Loop loop;
  Reaper reaper(loop);
  std::vector<int> codes;
  for (const auto pid : {one, other})
    reaper.watch(pid, [&](const ExitStatus& status) { codes.push_back(status.code); });
  reaper.catch_up();
  EXPECT_THAT(codes, ::testing::UnorderedElementsAre(7, 8));
  for (int i = 0; i < 3; ++i) turn(loop);
  EXPECT_EQ(codes.size(), 2U) << "told twice";
}

TEST(Reaper, CatchesUpWithNobodyWhenAllLive) {
  Loop loop;
  Reaper reaper(loop);
  reaper.catch_up();
  std::optional<ExitStatus> ended;
  reaper.watch(child_that_exits(7), [&](const ExitStatus& status) { ended = status; });
  EXPECT_TRUE(turn_until(loop, [&] { return ended.has_value(); }));
}

TEST(Reaper, ReapsAllThatEndedWhenOneSignalStandsForMany) {
  Loop loop;
  Reaper reaper(loop);
  int ended = 0;
  constexpr int kChildren = 20;
  for (int i = 0; i < kChildren; ++i) reaper.watch(child_that_exits(0), [&](const ExitStatus&) { ++ended; });
  EXPECT_TRUE(turn_until(loop, [&] { return ended == kChildren; }));
}

TEST(Reaper, CallsNobodyForOneThatWasForgotten) {
  Loop loop;
  Reaper reaper(loop);
  const auto pid = child_that_exits(0);
  reaper.watch(pid, [](const ExitStatus&) { FAIL(); });
  reaper.forget(pid);
  EXPECT_TRUE(turn_until(loop, [&] { return is_gone(pid); }));
}

TEST(Reaper, LetsACallbackWatchTheNextChild) {
  Loop loop;
  Reaper reaper(loop);
  bool second_ended = false;
  reaper.watch(child_that_exits(0), [&](const ExitStatus&) {
    reaper.watch(child_that_exits(0), [&](const ExitStatus&) { second_ended = true; });
  });
  EXPECT_TRUE(turn_until(loop, [&] { return second_ended; }));
}

TEST(ExitStatus, NamesTheSignalAndTheCore) {
  EXPECT_EQ((ExitStatus{.signal = SIGSEGV}).text(), "died from SIGSEGV");
  EXPECT_EQ((ExitStatus{.signal = SIGSEGV, .core_dumped = true}).text(), "died from SIGSEGV (core dumped)");
  EXPECT_FALSE((ExitStatus{.signal = SIGSEGV}).is_clean());
  EXPECT_TRUE(ExitStatus{}.is_clean());
}

}  // namespace
}  // namespace tcp_echo::test
