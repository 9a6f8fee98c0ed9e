#include "tcp_echo/daemon/executable.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <optional>

#include "support/folder.hpp"
#include "support/wait.hpp"
#include "tcp_echo/loop/child_process.hpp"

namespace tcp_echo::test {
namespace {

TEST(Executable, IsHeldByADescriptorThatIsNotInherited) {
  const auto fd = value_or_throw(open_program(value_or_throw(own_program())));
  EXPECT_NE(::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(Executable, CanBeStartedThroughItsDescriptor) {
  const auto fd = value_or_throw(open_program(value_or_throw(own_program())));
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

/// A link to this program, in a folder of its own.
struct OwnProgram : ::testing::Test {
  OwnProgram() { std::filesystem::create_symlink(real, folder / "link"); }

  std::string real = std::filesystem::read_symlink("/proc/self/exe").string();
  Folder folder;
};

TEST_F(OwnProgram, IsFoundByTheNameThatItWasCalledBy) {
  EXPECT_EQ(value_or_throw(own_program((folder / "link").string())), folder / "link");
  EXPECT_EQ(value_or_throw(own_program(real)), real);
}

TEST_F(OwnProgram, IsFoundAlongPathAsAShellFindsIt) {
  const std::string before = std::getenv("PATH");
  ::setenv("PATH", ("/nonexistent::" + folder.path().string() + ":/usr/bin").c_str(), 1);
  EXPECT_EQ(value_or_throw(own_program("link")), folder / "link");
  ::setenv("PATH", before.c_str(), 1);
}

TEST_F(OwnProgram, IsTheRealOneWhereTheNameLeadsElsewhere) {
  for (const auto* const name : {"", "/bin/true", "true", "nonexistent", "/nonexistent/link"})
    EXPECT_EQ(value_or_throw(own_program(name)), real) << name;
}

TEST_F(OwnProgram, IsAProgramAndAFifoIsNone) {
  EXPECT_TRUE(check_is_program(value_or_throw(open_program(real)).get()));
  const auto fifo = (folder / "fifo").string();
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0755), 0);
  EXPECT_FALSE(check_is_program(value_or_throw(open_program(fifo)).get())) << "and nobody waits for a writer";
}

TEST(DescriptorPath, IsTheOneInProc) { EXPECT_EQ(descriptor_path(7), "/proc/self/fd/7"); }

}  // namespace
}  // namespace tcp_echo::test
