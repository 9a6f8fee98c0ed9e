#include "tcp_echo/upgrade/preflight.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "support/folder.hpp"
#include "support/wait.hpp"
#include "tcp_echo/daemon/executable.hpp"
#include "tcp_echo/upgrade/upgrade_call.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

struct PreflightTest : ::testing::Test {
  Result<std::unique_ptr<Preflight>> start(const std::string& script,
                                           std::chrono::milliseconds timeout = 1min) {
    const auto path = folder / "program";
    std::ofstream(path) << "#!/bin/sh\n" << script << "\n";
    std::filesystem::permissions(path, std::filesystem::perms(0755));
    const auto program = value_or_throw(open_program(path.string()));
    const auto state = value_or_throw(make_state_file("the state"));
    return Preflight::start(loop, reaper, program.get(), state.get(), {"--port", "7"}, timeout,
                            [this](const Result<void>& done) { result = done; });
  }
  /// What was in the way; empty: nothing.
  std::string verdict_on(const std::string& script, std::chrono::milliseconds timeout = 1min) {
    result.reset();
    const auto preflight = value_or_throw(start(script, timeout));
    EXPECT_TRUE(turn_until(loop, [&] { return result.has_value(); }));
    return result && !*result ? result->error().text : "";
  }

  Folder folder;
  Loop loop;
  Reaper reaper{loop};
  std::optional<Result<void>> result;
};

TEST_F(PreflightTest, PassesAProgramThatGivesTheAnswer) {
  EXPECT_EQ(verdict_on("echo tcp-echo-master: ready to take over"), "");
}

TEST_F(PreflightTest, GivesTheProgramTheStateAndTheCommandLine) {
  EXPECT_EQ(verdict_on("test \"$1 $2 $3 $4 $5 $6\" = 'preflight 3 4 -1 --port 7' || exit 9\n"
                       "test \"$(cat /proc/self/fd/3)\" = 'the state' || exit 8\n"
                       "echo tcp-echo-master: ready to take over"),
            "");
}

TEST_F(PreflightTest, FailsWithWhatTheProgramComplainsAbout) {
  EXPECT_EQ(verdict_on("echo 'I cannot' >&2; echo 'nor will I' >&2; exit 78"),
            "the new program exited with code 78: I cannot");
}

TEST_F(PreflightTest, CutsAComplaintThatIsLong) {
  const auto verdict = verdict_on("head -c 4000 /dev/zero | tr '\\0' x >&2; exit 78");
  EXPECT_THAT(verdict, HasSubstr("the new program exited with code 78: xxxx"));
  EXPECT_LT(verdict.size(), 500U);
}

TEST_F(PreflightTest, FailsWhenTheProgramSaysSomethingElse) {
  for (const auto* const script : {"exit 0", "echo ready", "echo; echo tcp-echo-master: ready to take over"})
    EXPECT_THAT(verdict_on(script), HasSubstr("no tcp-echo-master that could take over"));
}

TEST_F(PreflightTest, FailsWhenTheProgramCrashes) {
  EXPECT_THAT(verdict_on("kill -KILL $$"), HasSubstr("the new program died from SIGKILL"));
}

TEST_F(PreflightTest, KillsAProgramThatDoesNotAnswer) {
  EXPECT_EQ(verdict_on("exec sleep 60", 100ms),
            "the new program has not answered within 100ms (--ready-timeout)");
}

TEST_F(PreflightTest, KillsAProgramThatTalksWithoutEnd) {
  EXPECT_THAT(verdict_on("exec yes", 200ms), HasSubstr("has not answered within 200ms"));
}

TEST_F(PreflightTest, EndsWithItsObject) {
  auto preflight = value_or_throw(start("exec sleep 60"));
  preflight.reset();
  EXPECT_TRUE(turn_until(loop, [&] { return ::waitpid(-1, nullptr, WNOHANG | WNOWAIT) < 0; }))
      << "no child is left";
  EXPECT_FALSE(result.has_value());
}

TEST_F(PreflightTest, CannotBeOfWhatCannotBeStarted) {
  const auto program = value_or_throw(open_program("/dev/null"));
  const auto state = value_or_throw(make_state_file(""));
  const auto preflight =
      Preflight::start(loop, reaper, program.get(), state.get(), {}, 1min, [](const auto&) {});
  ASSERT_FALSE(preflight);
  EXPECT_THAT(preflight.error().text, HasSubstr("Permission denied"));
}

}  // namespace
}  // namespace tcp_echo::test
