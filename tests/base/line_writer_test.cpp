#include "tcp_echo/base/line_writer.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>

#include "support/child.hpp"
#include "support/wait.hpp"
#include "tcp_echo/base/text.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::StartsWith;

const std::string kLine = std::string(99, 'x') + "\n";

bool never_waits(int fd) { return (::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0; }

/// What can be read now.
std::string read_out(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  std::string text;
  std::array<char, 4096> buffer{};
  for (;;) {
    const auto size = ::read(fd, buffer.data(), buffer.size());
    if (size <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  ::fcntl(fd, F_SETFL, flags);
  return text;
}

struct SocketPair {
  explicit SocketPair(int type) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()) != 0)
      throw std::runtime_error("socketpair");
    reading.reset(ends[0]);
    writing.reset(ends[1]);
  }

  UniqueFd reading;
  UniqueFd writing;
};

/// A terminal with nobody in front of it.
struct Terminal {
  Terminal() : reading(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    if (!reading || ::grantpt(reading.get()) != 0 || ::unlockpt(reading.get()) != 0)
      throw std::runtime_error("no terminal can be made");
    writing.reset(::open(::ptsname(reading.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  }

  UniqueFd reading;
  UniqueFd writing;
};

/// Whoever waits in one of these tests waits for ever, were it not for the alarm.
class LineWriterTest : public testing::Test {
 public:
  LineWriterTest() { ::alarm(20); }
  ~LineWriterTest() override { ::alarm(0); }
  LineWriterTest(const LineWriterTest&) = delete;
  LineWriterTest& operator=(const LineWriterTest&) = delete;

 protected:
  /// Writes until nothing more is taken, reads all of it, and writes again.
  static void expect_not_to_wait(int fd, int reader) {
    LineWriter writer(fd);
    int error = 0;
    for (int i = 0; error == 0 && i < 100'000; ++i) error = writer.write(kLine);
    EXPECT_EQ(error, EAGAIN);
    EXPECT_EQ(writer.write(kLine), EAGAIN);
    EXPECT_THAT(read_out(reader), StartsWith(kLine.substr(0, 99)));
    // A terminal lets its writers know a moment after it was read.
    EXPECT_TRUE(eventually([&] { return writer.write("again\n") == 0; }));
    EXPECT_TRUE(eventually([&, text = std::string()]() mutable {
      text += read_out(reader);
      return text.find("again") != std::string::npos;
    }));
  }
};

TEST_F(LineWriterTest, DoesNotWaitForThePipeThatItSharesWithOthers) {
  const PipeEnds pipe;
  expect_not_to_wait(pipe.writing.get(), pipe.reading.get());
  EXPECT_FALSE(never_waits(pipe.writing.get())) << "they may want to wait";
}

TEST_F(LineWriterTest, DoesNotWaitForAPipeThroughADescriptionOfItsOwn) {
  const PipeEnds pipe;
  const auto own = value_or_throw(own_description(pipe.writing.get()));
  EXPECT_TRUE(never_waits(own.get()));
  EXPECT_NE(::fcntl(own.get(), F_GETFD) & FD_CLOEXEC, 0);
  expect_not_to_wait(own.get(), pipe.reading.get());
  EXPECT_FALSE(never_waits(pipe.writing.get()));
}

TEST_F(LineWriterTest, DoesNotWaitForAPipeThatItsUserMayNotOpen) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  const PipeEnds pipe;
  EXPECT_EQ(in_child([&]() -> std::string {
              ::alarm(20);
              if (::setuid(kNobody) != 0) return "setuid";
              const auto copy = value_or_throw(own_description(pipe.writing.get()));
              if (never_waits(copy.get())) return "it could be opened";
              LineWriter writer(copy.get());
              while (writer.write(kLine) == 0) {
              }
              return "has not waited";
            }),
            "has not waited");
}

TEST_F(LineWriterTest, DoesNotWaitForAStreamSocket) {
  const SocketPair pair(SOCK_STREAM);
  expect_not_to_wait(pair.writing.get(), pair.reading.get());
  EXPECT_FALSE(never_waits(pair.writing.get()));
}

TEST_F(LineWriterTest, DoesNotWaitForADatagramSocket) {
  const SocketPair pair(SOCK_DGRAM);
  expect_not_to_wait(pair.writing.get(), pair.reading.get());
}

TEST_F(LineWriterTest, TakesACopyOfASocketWhichCannotBeOpened) {
  const SocketPair pair(SOCK_STREAM);
  const auto copy = value_or_throw(own_description(pair.writing.get()));
  EXPECT_GT(copy.get(), STDERR_FILENO);
  EXPECT_EQ(LineWriter(copy.get()).write(kLine), 0);
  EXPECT_EQ(read_out(pair.reading.get()), kLine);
}

TEST_F(LineWriterTest, DoesNotWaitForTheTerminalThatItSharesWithOthers) {
  const Terminal terminal;
  expect_not_to_wait(terminal.writing.get(), terminal.reading.get());
  EXPECT_FALSE(never_waits(terminal.writing.get()));
}

TEST_F(LineWriterTest, DoesNotWaitForATerminalThroughADescriptionOfItsOwn) {
  const Terminal terminal;
  const auto own = value_or_throw(own_description(terminal.writing.get()));
  EXPECT_TRUE(never_waits(own.get()));
  expect_not_to_wait(own.get(), terminal.reading.get());
  EXPECT_FALSE(never_waits(terminal.writing.get()));
}

TEST_F(LineWriterTest, DoesNotWaitForATerminalThatSomebodyHasStopped) {
  const Terminal terminal;
  const auto own = value_or_throw(own_description(terminal.writing.get()));
  ASSERT_EQ(::tcflow(terminal.writing.get(), TCOOFF), 0);  // as Ctrl-S does
  EXPECT_EQ(LineWriter(own.get()).write(kLine), EAGAIN);
  EXPECT_EQ(LineWriter(terminal.writing.get()).write(kLine), EAGAIN);
  ASSERT_EQ(::tcflow(terminal.writing.get(), TCOON), 0);
  EXPECT_EQ(LineWriter(own.get()).write(kLine), 0);
}

TEST_F(LineWriterTest, SaysWhyAFullDiskHasTakenNothing) {
  const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  EXPECT_EQ(LineWriter(full.get()).write(kLine), ENOSPC);
}

TEST_F(LineWriterTest, SaysThatNobodyWillEverReadAPipe) {
  PipeEnds pipe;
  pipe.reading.reset();
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(LineWriter(pipe.writing.get()).write(kLine), EPIPE);
  std::signal(SIGPIPE, before);
}

TEST_F(LineWriterTest, BeginsANewLineAfterOneThatWasTakenInPart) {
  const SocketPair pair(SOCK_STREAM);
  LineWriter writer(pair.writing.get());
  const std::string monster(1'000'000, 'x');
  EXPECT_EQ(writer.write(monster), EAGAIN);
  const auto part = read_out(pair.reading.get());
  ASSERT_GT(part.size(), 0U);
  EXPECT_EQ(part.find('\n'), std::string::npos);
  EXPECT_EQ(writer.write("next\n"), 0);
  EXPECT_EQ(writer.write("one more\n"), 0);
  EXPECT_EQ(read_out(pair.reading.get()), "\nnext\none more\n");
}

TEST_F(LineWriterTest, CutsALineThatAPipeWouldNotTakeAsAWhole) {
  const PipeEnds pipe;
  EXPECT_EQ(LineWriter(pipe.writing.get()).write(std::string(PIPE_BUF, 'x') + "\n"), 0);
  const auto cut = read_out(pipe.reading.get());
  EXPECT_EQ(cut.size(), PIPE_BUF);
  EXPECT_THAT(cut, EndsWith("xxx...\n"));
}

TEST_F(LineWriterTest, CutsBetweenTwoCharacters) {
  const PipeEnds pipe;
  std::string line = "x";
  while (line.size() <= PIPE_BUF) line += "€";
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(LineWriter(pipe.writing.get()).write(line), 0);
    const auto cut = read_out(pipe.reading.get());
    EXPECT_TRUE(is_utf8(cut));
    EXPECT_THAT(cut, EndsWith("€...\n"));
    line.insert(0, "x");
  }
}

TEST_F(LineWriterTest, GivesAReaderAMomentToMakeRoom) {
  const PipeEnds pipe;
  LineWriter writer(pipe.writing.get(), 15s);
  ::fcntl(pipe.writing.get(), F_SETPIPE_SZ, PIPE_BUF);
  ASSERT_EQ(LineWriter(pipe.writing.get()).write(std::string(PIPE_BUF, 'x')), 0);
  std::thread reader([&] { read_out(pipe.reading.get()); });
  EXPECT_EQ(writer.write(kLine), 0);
  reader.join();
}

TEST_F(LineWriterTest, LosesItsPatienceForTheRestOfTheSecond) {
  const PipeEnds pipe;
  LineWriter writer(pipe.writing.get());
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 2000; ++i) writer.write(kLine);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s) << "of those 2000 about 1350 are lost";
}

TEST_F(LineWriterTest, FollowsADescriptorToSomethingElse) {
  const SocketPair pair(SOCK_STREAM);
  const PipeEnds pipe;
  LineWriter writer(pair.writing.get());
  ASSERT_GE(::dup2(pipe.writing.get(), pair.writing.get()), 0);
  EXPECT_EQ(writer.write(kLine), ENOTSOCK);
  writer.look_again();
  EXPECT_EQ(writer.write(kLine), 0);
  EXPECT_EQ(read_out(pipe.reading.get()), kLine);
}

}  // namespace
}  // namespace tcp_echo::test
