#include "config/config_file.hpp"

#include <fcntl.h>
#include <pty.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <csignal>
#include <cstring>
#include <future>
#include <thread>

#include "config/support.hpp"
#include "support/child.hpp"
#include "support/wait.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kAllowed = "; allowed: a file, or a pipe that somebody writes";

class ConfigFile : public testing::Test {
 protected:
  std::string fifo() const {
    auto path = folder_.path() + "/fifo";
    ::mkfifo(path.c_str(), 0600);
    return path;
  }
  const FileFolder& folder() const { return folder_; }

  static Result<std::string> read(const std::string& path, std::chrono::milliseconds patience = kDeadline) {
    return read_config_file(path, patience);
  }
  /// Fails unless it is refused, for this reason, and the line says what is allowed.
  static void expect_refused(const std::string& path, const std::string& why,
                             std::chrono::milliseconds patience = kDeadline) {
    const auto text = read(path, patience);
    ASSERT_FALSE(text) << path;
    EXPECT_THAT(text.error(),
                Says(ExitCode::kConfig, path + ": cannot read the configuration: " + why + kAllowed));
  }

 private:
  FileFolder folder_;
};

TEST_F(ConfigFile, IsReadAsItIs) {
  const std::string text("a = 1\n\0b", 8);
  EXPECT_EQ(read(folder().file("x.toml", text)), text);
  EXPECT_EQ(read(folder().file("y.toml", "")), "");
  EXPECT_EQ(read("/dev/null"), "");
}

TEST_F(ConfigFile, ThatIsAFifoNobodyWritesIsRefused) {
  expect_refused(fifo(), "nobody writes the FIFO", 20ms);
}

TEST_F(ConfigFile, MayBeAFifoThatSomebodyIsAboutToWrite) {
  const auto path = fifo();
  std::thread writer([&path] { std::ofstream(path) << "workers = 2\n"; });
  const auto text = read(path);
  if (!text) std::ifstream(path).get();  // or it would wait for ever
  writer.join();
  EXPECT_EQ(text, "workers = 2\n");
}

TEST_F(ConfigFile, IsWaitedForWhileAWriterHoldsTheFifoOpen) {
  const auto path = fifo();
  const UniqueFd reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));  // or there is no writer
  UniqueFd writer(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  auto text = std::async(std::launch::async, [&path] { return read(path); });
  for (const auto* const part : {"workers ", "= 2\n"}) {
    EXPECT_EQ(text.wait_for(10ms), std::future_status::timeout);
    EXPECT_EQ(::write(writer.get(), part, std::strlen(part)), static_cast<ssize_t>(std::strlen(part)));
  }
  writer.reset();
  EXPECT_EQ(text.get(), "workers = 2\n");
}

TEST_F(ConfigFile, IsGivenUpWhenTheWriterOfAFifoStaysSilent) {
  const auto path = fifo();
  const UniqueFd both(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  expect_refused(path, "its writer has said nothing for 0.02 s", 20ms);
}

/// As bash's <(...) is.
TEST_F(ConfigFile, MayBeAPipeWhoseWriterHasGone) {
  PipeEnds pipe;
  const auto path = "/dev/fd/" + std::to_string(pipe.reading.get());
  ASSERT_EQ(::write(pipe.writing.get(), "a = 1\n", 6), 6);
  pipe.writing.reset();
  EXPECT_EQ(read(path), "a = 1\n");
  EXPECT_EQ(read(path), "") << "also one into which nothing was written";
}

TEST_F(ConfigFile, ThatHasNoEndIsRefused) {
  PipeEnds pipe;
  auto* const before = std::signal(SIGPIPE, SIG_IGN);
  std::thread writer([&pipe] {
    const std::string text(1024UL * 1024, '\n');
    while (::write(pipe.writing.get(), text.data(), text.size()) > 0) continue;
  });
  const auto text = read("/dev/fd/" + std::to_string(pipe.reading.get()));
  pipe.reading.reset();
  writer.join();
  static_cast<void>(std::signal(SIGPIPE, before));
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error(), Says(ExitCode::kConfig, "more than 1 MiB"));
}

TEST_F(ConfigFile, ThatIsADeviceIsRefused) {
  expect_refused("/dev/zero", "it is a terminal or another device");
  int master = -1;
  int terminal = -1;
  ASSERT_EQ(::openpty(&master, &terminal, nullptr, nullptr, nullptr), 0);
  const UniqueFd ours(master);
  const UniqueFd theirs(terminal);
  expect_refused("/proc/self/fd/" + std::to_string(terminal), "it is a terminal or another device");
}

TEST_F(ConfigFile, ThatIsASocketIsRefused) {
  const auto path = folder().path() + "/socket";
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_LT(path.size(), sizeof address.sun_path);
  std::memcpy(address.sun_path, path.data(), path.size());
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  expect_refused(path, "it is a socket");
}

}  // namespace
}  // namespace tcp_echo::test
