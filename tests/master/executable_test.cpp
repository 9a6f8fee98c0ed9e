#include "tcp_echo/master/executable.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <optional>

#include "support/wait.hpp"
#include "tcp_echo/loop/child_process.hpp"

namespace tcp_echo::test {
namespace {

TEST(Executable, IsHeldByADescriptorThatIsNotInherited) {
  const auto fd = value_or_throw(open_own_executable());
  EXPECT_NE(::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(Executable, CanBeStartedThroughItsDescriptor) {
  const auto fd = value_or_throw(open_own_executable());
  Loop loop;
  Reaper reaper(loop);
  std::optional<ExitStatus> ended;
  // This test program, with no test chosen.
  const SpawnRequest request{.file = descriptor_path(3),
                             .arguments = {"again", "--gtest_filter=-*"},
                             .descriptors = {-1, -1, -1, fd.get()}};
  const auto child = value_or_throw(
      ChildProcess::spawn(loop, reaper, request, [&](const ExitStatus& status) { ended = status; }));
  ASSERT_TRUE(turn_until(loop, [&] { return ended.has_value(); }));
  EXPECT_TRUE(ended->is_clean()) << ended->text();
}

TEST(DescriptorPath, IsTheOneInProc) { EXPECT_EQ(descriptor_path(7), "/proc/self/fd/7"); }

}  // namespace
}  // namespace tcp_echo::test
