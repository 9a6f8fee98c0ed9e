#include "base/syslog_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "support/folder.hpp"

namespace tcp_echo::test {
namespace {

using testing::EndsWith;
using testing::MatchesRegex;

/// Who listens on /dev/log, elsewhere.
class Syslog {
 public:
  Syslog(const std::string& path, int type) : socket_(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("bind");
    if (type == SOCK_STREAM) ::listen(socket_.get(), 1);
  }

  /// A datagram; of a stream what there is. Empty if there is nothing.
  std::string read() {
    std::array<char, 4096> buffer{};
    const auto size = ::recv(from(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
  }

 private:
  int from() {
    int listens = 0;
    socklen_t size = sizeof listens;
    ::getsockopt(socket_.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size);
    if (listens == 0) return socket_.get();
    if (!connection_) connection_.reset(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    return connection_.get();
  }

  UniqueFd socket_;
  UniqueFd connection_;
};

/// Whoever waits in one of these tests waits for ever, were it not for the alarm.
class SyslogWriterTest : public testing::Test {
 public:
  SyslogWriterTest() { ::alarm(20); }
  ~SyslogWriterTest() override { ::alarm(0); }
  SyslogWriterTest(const SyslogWriterTest&) = delete;
  SyslogWriterTest& operator=(const SyslogWriterTest&) = delete;

 protected:
  std::string path() const { return folder_ / "log"; }

  /// Writes until nothing more is taken; how many lines were.
  static int fill(SyslogWriter& writer) {
    int lines = 0;
    int error = 0;
    while ((error = writer.write(LOG_INFO, "line")) == 0) ++lines;
    EXPECT_EQ(error, EAGAIN);
    return lines;
  }

 private:
  Folder folder_;
};

TEST_F(SyslogWriterTest, SendsWhatSyslogSends) {
  Syslog syslog(path(), SOCK_DGRAM);
  SyslogWriter writer("tcp-echo[wrk1]", path());
  EXPECT_EQ(writer.write(LOG_WARNING, "a line"), 0);
  EXPECT_THAT(syslog.read(), MatchesRegex("<28>(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 1-3][0-9] "
                                          "[0-2][0-9]:[0-5][0-9]:[0-6][0-9] tcp-echo\\[wrk1\\]\\[" +
                                          std::to_string(::getpid()) + "\\]: a line"));
}

TEST_F(SyslogWriterTest, EndsALineOnAStreamWithNul) {
  Syslog syslog(path(), SOCK_STREAM);
  SyslogWriter writer("a", path());
  EXPECT_EQ(writer.write(LOG_INFO, "one"), 0);
  EXPECT_EQ(writer.write(LOG_INFO, "two"), 0);
  const auto lines = syslog.read();
  EXPECT_THAT(lines.substr(0, lines.find('\0')), EndsWith("]: one"));
  EXPECT_THAT(lines, EndsWith(std::string("]: two") + '\0'));
}

TEST_F(SyslogWriterTest, DoesNotWaitForSyslogToRead) {
  Syslog syslog(path(), SOCK_DGRAM);
  SyslogWriter writer("a", path());
  EXPECT_GT(fill(writer), 0);
  while (!syslog.read().empty()) {
  }
  EXPECT_EQ(writer.write(LOG_INFO, "again"), 0);
  EXPECT_THAT(syslog.read(), EndsWith("]: again"));
}

TEST_F(SyslogWriterTest, DoesNotWaitForSyslogToReadAStream) {
  Syslog syslog(path(), SOCK_STREAM);
  SyslogWriter writer("a", path());
  EXPECT_GT(fill(writer), 0);
}

TEST_F(SyslogWriterTest, WaitsForNoSyslogThatIsNotThereYet) {
  SyslogWriter writer("a", path());
  EXPECT_EQ(writer.write(LOG_INFO, "lost"), ENOENT);
  Syslog syslog(path(), SOCK_DGRAM);
  EXPECT_EQ(writer.write(LOG_INFO, "taken"), 0);
  EXPECT_THAT(syslog.read(), EndsWith("]: taken"));
}

TEST_F(SyslogWriterTest, ConnectsAnewWhenSyslogWasRestarted) {
  for (const int type : {SOCK_DGRAM, SOCK_STREAM, SOCK_DGRAM}) {
    SyslogWriter writer("a", path());
    {
      const Syslog before(path(), type);
      EXPECT_EQ(writer.write(LOG_INFO, "before"), 0);
    }
    EXPECT_EQ(writer.write(LOG_INFO, "lost"), ECONNREFUSED);
    std::filesystem::remove(path());
    Syslog after(path(), SOCK_DGRAM);
    EXPECT_EQ(writer.write(LOG_INFO, "after"), 0);
    EXPECT_THAT(after.read(), EndsWith("]: after"));
    std::filesystem::remove(path());
  }
}

TEST_F(SyslogWriterTest, NoticesARestartBetweenTwoLines) {
  SyslogWriter writer("a", path());
  {
    const Syslog before(path(), SOCK_DGRAM);
    EXPECT_EQ(writer.write(LOG_INFO, "before"), 0);
  }
  std::filesystem::remove(path());
  Syslog after(path(), SOCK_DGRAM);
  EXPECT_EQ(writer.write(LOG_INFO, "after"), 0);
  EXPECT_THAT(after.read(), EndsWith("]: after"));
}

TEST_F(SyslogWriterTest, RefusesAPathThatNoSocketCanHave) {
  EXPECT_EQ(SyslogWriter("a", "/" + std::string(200, 'x')).write(LOG_INFO, "lost"), ENAMETOOLONG);
}

}  // namespace
}  // namespace tcp_echo::test
