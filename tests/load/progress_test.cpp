#include "tcp_echo/load/progress.hpp"

#include <gtest/gtest.h>
#include <sys/ioctl.h>

#include <cstdlib>
#include <functional>

#include "support/child.hpp"

namespace tcp_echo::test {
namespace {

/// What a child writes to standard error, which is a terminal of that width.
std::string seen_on_terminal(const char* kind, unsigned short columns, const std::function<void()>& body) {
  return in_child([&] {
    const UniqueFd terminal(::posix_openpt(O_RDWR | O_NOCTTY));
    ::grantpt(terminal.get());
    ::unlockpt(terminal.get());
    UniqueFd program_end(::open(::ptsname(terminal.get()), O_RDWR | O_NOCTTY));
    const winsize size{24, columns, 0, 0};
    ::ioctl(program_end.get(), TIOCSWINSZ, &size);
    ::dup2(program_end.get(), STDERR_FILENO);
    program_end.reset();
    ::setenv("TERM", kind, 1);
    body();
    ::close(STDERR_FILENO);
    return read_to_end(terminal);  // one read may find a part of it only: the kernel brings it over later
  });
}

void show_two_lines() {
  Progress progress;
  progress.show("first");
  progress.show("second");
}

TEST(Progress, IsOneLineOnATerminalThatIsWipedAwayAtTheEnd) {
  EXPECT_EQ(seen_on_terminal("xterm", 80, show_two_lines), "\rfirst\x1b[K\rsecond\x1b[K\r\x1b[K");
}

TEST(Progress, IsCutWhereItWouldFillASecondLine) {
  EXPECT_EQ(seen_on_terminal("xterm", 6, show_two_lines), "\rfirst\x1b[K\rsecon\x1b[K\r\x1b[K");
}

TEST(Progress, IsPlainOnATerminalThatCannotGoBack) {
  EXPECT_EQ(seen_on_terminal("dumb", 80, show_two_lines), "first\r\nsecond\r\n");
}

TEST(Progress, IsPlainOnATerminalOfNoKnownKind) {
  EXPECT_EQ(seen_on_terminal("xterm", 80,
                             [] {
                               ::unsetenv("TERM");
                               show_two_lines();
                             }),
            "first\r\nsecond\r\n");
}

TEST(Progress, IsNotCutOnATerminalOfUnknownWidth) {
  EXPECT_EQ(seen_on_terminal("xterm", 0, show_two_lines), "\rfirst\x1b[K\rsecond\x1b[K\r\x1b[K");
}

TEST(Progress, FollowsTheTerminalsWidth) {
  const auto text = seen_on_terminal("xterm", 80, [] {
    Progress progress;
    progress.show("first");
    const winsize narrow{24, 4, 0, 0};
    ::ioctl(STDERR_FILENO, TIOCSWINSZ, &narrow);
    progress.show("second");
  });
  EXPECT_EQ(text, "\rfirst\x1b[K\rsec\x1b[K\r\x1b[K");
}

TEST(Progress, IsPlainInAFile) {
  const auto text = in_child([] {
    PipeEnds pipe;
    ::dup2(pipe.writing.get(), STDERR_FILENO);
    pipe.writing.reset();
    show_two_lines();
    ::close(STDERR_FILENO);
    return read_to_end(pipe.reading);
  });
  EXPECT_EQ(text, "first\nsecond\n");
}

TEST(Progress, ThatWasNeverShownLeavesNothingBehind) {
  EXPECT_EQ(seen_on_terminal("xterm", 80,
                             [] {
                               { const Progress unused; }
                               std::fputs(".", stderr);
                             }),
            ".");
}

}  // namespace
}  // namespace tcp_echo::test
