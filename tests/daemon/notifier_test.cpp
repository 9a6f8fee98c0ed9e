#include "tcp_echo/daemon/notifier.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/folder.hpp"
#include "support/log_capture.hpp"
#include "support/wait.hpp"
#include "tcp_echo/base/text.hpp"
#include "tcp_echo/loop/loop.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

/// A service manager's socket. The name is as NOTIFY_SOCKET has it: a path, or '@' for the abstract
/// namespace.
class Manager {
 public:
  explicit Manager(const std::string& name)
      : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)),
        size_(static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())) {
    address_.sun_family = AF_UNIX;
    std::copy(name.begin(), name.end(), std::begin(address_.sun_path));
    if (name.front() == '@') address_.sun_path[0] = '\0';
    if (::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address_), size_) != 0)
      throw std::runtime_error("bind to " + name);
  }

  /// Leaves no room for another word. Each is from a sender of its own: the kernel bounds what one may have
  /// under way, too.
  void stuff() const {
    constexpr std::string_view kWord = "earlier";
    ssize_t sent = 0;
    while (sent >= 0) {
      const UniqueFd sender(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      sent = ::sendto(sender.get(), kWord.data(), kWord.size(), MSG_DONTWAIT,
                      reinterpret_cast<const sockaddr*>(&address_), size_);
    }
    ASSERT_EQ(errno, EAGAIN);
  }

  /// Each datagram that has come since the last call; a unix socket has it as soon as it is sent.
  std::vector<std::string> received() const {
    std::vector<std::string> datagrams;
    std::array<char, 4096> buffer{};
    for (;;) {
      const auto size = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (size < 0) return datagrams;
      datagrams.emplace_back(buffer.data(), static_cast<std::size_t>(size));
    }
  }

  void close() { fd_.reset(); }

 private:
  UniqueFd fd_;
  sockaddr_un address_{};
  socklen_t size_;
};

/// A folder for sockets, and an environment without a manager; what was there before is put back at the end.
class Notifier : public testing::Test {
 public:
  Notifier() {
    for (auto& variable : variables_) {
      if (const char* const value = std::getenv(variable.name)) variable.before = value;
      ::unsetenv(variable.name);
    }
  }
  ~Notifier() override {
    for (const auto& variable : variables_)
      variable.before ? ::setenv(variable.name, variable.before->c_str(), 1) : ::unsetenv(variable.name);
  }
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

 protected:
  std::string path() const { return folder_ / "notify"; }
  std::string abstract_name() const { return "@" + path(); }  // as unique as the path

  tcp_echo::Notifier notifier_for(const std::string& name) {
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
    return tcp_echo::Notifier(loop_);
  }

  /// What a manager hears that begins to read only now.
  std::vector<std::string> heard_by(const Manager& manager, std::size_t words) {
    std::vector<std::string> heard;
    EXPECT_TRUE(turn_until(loop_, [&] {
      for (auto& word : manager.received()) heard.push_back(std::move(word));
      return heard.size() >= words;
    }));
    return heard;
  }

  /// How often a manager that sets these wants proof of life.
  std::optional<std::chrono::milliseconds> interval_for(const std::string& usec,
                                                        const std::string& pid = "") {
    const Manager manager(abstract_name());
    ::setenv("WATCHDOG_USEC", usec.c_str(), 1);
    ::setenv("WATCHDOG_PID", pid.c_str(), 1);
    return notifier_for(abstract_name()).alive_interval();
  }

  Loop& loop() { return loop_; }

 private:
  struct Variable {
    const char* name = nullptr;
    std::optional<std::string> before = {};
  };
  std::array<Variable, 3> variables_ = {{{"NOTIFY_SOCKET"}, {"WATCHDOG_USEC"}, {"WATCHDOG_PID"}}};
  Loop loop_;
  Folder folder_;
};

std::string ready_datagram(const std::string& status) {
  return "READY=1\nMAINPID=" + std::to_string(::getpid()) + "\nSTATUS=" + status;
}

TEST_F(Notifier, SendsReadyWithPidAndStatusToAPath) {
  const Manager manager(path());
  notifier_for(path()).ready("serving");
  EXPECT_THAT(manager.received(), ElementsAre(ready_datagram("serving")));
}

TEST_F(Notifier, SendsToANameInTheAbstractNamespace) {
  const Manager manager(abstract_name());
  notifier_for(abstract_name()).ready("serving");
  EXPECT_THAT(manager.received(), ElementsAre(ready_datagram("serving")));
}

TEST_F(Notifier, SendsToTheLongestNameThatASocketHas) {
  auto name = abstract_name();
  name.resize(sizeof(sockaddr_un::sun_path) - 1, 'x');
  const Manager manager(name);
  notifier_for(name).alive();
  EXPECT_THAT(manager.received(), ElementsAre("WATCHDOG=1"));
}

TEST_F(Notifier, SendsEachStateAsADatagramOfItsOwn) {
  const Manager manager(path());
  auto notifier = notifier_for(path());
  notifier.status("3 of 4 workers");
  notifier.alive();
  notifier.stopping("draining");
  EXPECT_THAT(manager.received(),
              ElementsAre("STATUS=3 of 4 workers", "WATCHDOG=1", "STOPPING=1\nSTATUS=draining"));
}

std::uint64_t monotonic_usec() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000U +
         static_cast<std::uint64_t>(now.tv_nsec) / 1000U;
}

TEST_F(Notifier, SendsReloadingWithTheTimeSinceBoot) {
  const Manager manager(path());
  auto notifier = notifier_for(path());
  const auto before = monotonic_usec();
  notifier.reloading();
  const auto after = monotonic_usec();
  const auto datagrams = manager.received();
  const std::string prefix = "RELOADING=1\nMONOTONIC_USEC=";
  ASSERT_THAT(datagrams, ElementsAre(StartsWith(prefix)));
  const auto sent = parse_number(std::string_view(datagrams.front()).substr(prefix.size()));
  ASSERT_TRUE(sent) << datagrams.front();
  EXPECT_GE(*sent, before);
  EXPECT_LE(*sent, after);
}

TEST_F(Notifier, SendsNothingWithoutAManager) {
  const LogCapture log;
  const Manager bystander(path());
  tcp_echo::Notifier notifier(loop());
  notifier.ready("serving");
  notifier.stopping("");
  EXPECT_THAT(bystander.received(), IsEmpty());
  EXPECT_THAT(log.text(), IsEmpty());
}

TEST_F(Notifier, TakesAnEmptyVariableForNone) {
  const LogCapture log;
  notifier_for("").ready("serving");
  EXPECT_THAT(log.text(), IsEmpty());
}

TEST_F(Notifier, WantsNoProofOfLifeWithoutAManager) {
  ::setenv("WATCHDOG_USEC", "2000000", 1);
  EXPECT_EQ(tcp_echo::Notifier(loop()).alive_interval(), std::nullopt);
}

TEST_F(Notifier, WarnsOnceOfWhatIsNoAddressAndSendsNothing) {
  ::setenv("WATCHDOG_USEC", "2000000", 1);
  for (const auto& name : {std::string("run/notify"), std::string("@"), std::string("/"),
                           "/" + std::string(sizeof(sockaddr_un::sun_path) - 1, 'x')}) {
    const LogCapture log;
    auto notifier = notifier_for(name);
    notifier.ready("serving");
    notifier.alive();
    EXPECT_EQ(log.text(), "warning: NOTIFY_SOCKET: " + in_quotes(name) +
                              " is no address of a socket; notifying nobody\n");
    EXPECT_EQ(notifier.alive_interval(), std::nullopt);
  }
}

TEST_F(Notifier, WarnsOnceOfAManagerThatDoesNotListen) {
  const LogCapture log;
  auto notifier = notifier_for(path());
  notifier.ready("serving");
  EXPECT_EQ(log.text(), "warning: NOTIFY_SOCKET: connect to " + in_quotes(path()) +
                            ": No such file or directory; notifying nobody\n");
}

TEST_F(Notifier, PassesNoDescriptorToAChild) {
  const Manager manager(path());
  const UniqueFd free(::dup(STDERR_FILENO));
  const int next = free.get() + 1;
  auto notifier = notifier_for(path());
  ASSERT_EQ(::write(next, "whose?", 6), 6);
  ASSERT_THAT(manager.received(), ElementsAre("whose?"));
  EXPECT_NE(::fcntl(next, F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(Notifier, ProvesLifeTwiceInTheManagersTime) {
  EXPECT_EQ(interval_for("3000000"), 1500ms);
  EXPECT_EQ(interval_for("3000000", std::to_string(::getpid())), 1500ms);
}

TEST_F(Notifier, ProvesLifeEveryMillisecondAtMost) {
  EXPECT_EQ(interval_for("1"), 1ms);
  EXPECT_EQ(interval_for("3999"), 1ms);
}

TEST_F(Notifier, ProvesLifeEveryHalfYearAtLeast) {
  EXPECT_EQ(interval_for("18446744073709551615"), 24h * 365 / 2);
}

TEST_F(Notifier, LeavesTheWatchdogOfAnotherProcessAlone) {
  EXPECT_EQ(interval_for("3000000", std::to_string(::getppid())), std::nullopt);
  EXPECT_EQ(interval_for("3000000", "me"), std::nullopt);
}

TEST_F(Notifier, PassesOverAWatchdogThatIsNoTime) {
  for (const auto* const garbage : {"", "0", "-1", "soon", "3000000us", " 3000000", "18446744073709551616"})
    EXPECT_EQ(interval_for(garbage), std::nullopt) << garbage;
}

TEST_F(Notifier, SaysThatAManagerWhoseSocketIsGoneCannotBeTold) {
  Manager manager(path());
  auto notifier = notifier_for(path());
  manager.close();
  const LogCapture log;
  EXPECT_NO_THROW(notifier.stopping("draining"));
  EXPECT_EQ(
      log.text(),
      "warning: the service manager cannot be told 'STOPPING=1\\nSTATUS=draining': Connection refused\n");
}

TEST_F(Notifier, KeepsWhatABusyManagerHasNoRoomForAndItsOrder) {
  const Manager manager(path());
  auto notifier = notifier_for(path());
  const LogCapture log;
  manager.stuff();
  notifier.status("nearly");
  notifier.alive();  // is not needed: the manager has not read the earlier words
  notifier.ready("serving");
  EXPECT_THAT(manager.received(), Each("earlier"));
  EXPECT_THAT(heard_by(manager, 2), ElementsAre("STATUS=nearly", ready_datagram("serving")));
  notifier.alive();
  EXPECT_THAT(manager.received(), ElementsAre("WATCHDOG=1"));
  EXPECT_THAT(log.text(), IsEmpty());
}

TEST_F(Notifier, ForgetsTheOldestThatItOwesAManagerThatDoesNotRead) {
  const Manager manager(path());
  auto notifier = notifier_for(path());
  manager.stuff();
  for (std::size_t i = 0; i < tcp_echo::Notifier::kMostOwed + 3; ++i) notifier.status(std::to_string(i));
  manager.received();
  const auto heard = heard_by(manager, tcp_echo::Notifier::kMostOwed);
  EXPECT_EQ(heard.front(), "STATUS=3");
  EXPECT_EQ(heard.size(), tcp_echo::Notifier::kMostOwed);
}

TEST_F(Notifier, GivesUpWhatItOwesAManagerThatIsGone) {
  Manager manager(path());
  auto notifier = notifier_for(path());
  manager.stuff();
  notifier.status("1");
  notifier.status("2");
  const LogCapture log;
  manager.close();
  EXPECT_TRUE(turn_until(loop(), [&] { return log.lines_with("the service manager cannot be told") == 2; }));
}

}  // namespace
}  // namespace tcp_echo::test
