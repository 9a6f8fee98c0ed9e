#include "tcp_echo/daemon/inherited_sockets.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "support/child.hpp"
#include "support/ipv6.hpp"
#include "support/sockets.hpp"

namespace tcp_echo::test {
namespace {

using testing::StartsWith;

constexpr int kFirst = 3;  // SD_LISTEN_FDS_START, sd_listen_fds(3)

/// What a service manager does between fork and exec: the descriptors one after the other from 3 on, and
/// nothing behind them. Run it in a child only, for it closes whatever had these numbers.
void pass_on(const std::vector<int>& sockets) {
  constexpr int kOutOfTheWay = 50;
  std::vector<int> copies;
  copies.reserve(sockets.size());
  for (const int fd : sockets) copies.push_back(::fcntl(fd, F_DUPFD_CLOEXEC, kOutOfTheWay));
  int next = kFirst;
  for (const int fd : copies) ::dup2(fd, next++);
  ::close(next);
}

void set_or_clear(const char* name, const std::string& value) {
  value.empty() ? ::unsetenv(name) : ::setenv(name, value.c_str(), 1);
}

/// What taking them led to, for comparing: a line for each socket, or the exit code and the text of the
/// error.
std::string outcome() {
  const auto sockets = take_inherited_sockets();
  if (!sockets) return std::to_string(static_cast<int>(sockets.error().code)) + ": " + sockets.error().text;
  std::string lines;
  for (const auto& socket : *sockets) {
    const bool is_passed_on = (::fcntl(socket.get(), F_GETFD) & FD_CLOEXEC) == 0;
    lines += std::to_string(socket.get()) + " on " + value_or_throw(local_endpoint(socket.get())).text() +
             (is_passed_on ? ", passed on\n" : "\n");
  }
  return lines.empty() ? "none" : lines;
}

/// The same in a process that was started with these sockets, and with as many announced.
std::string outcome_with(const std::vector<int>& sockets, const std::string& announced) {
  return in_child([&] {
    pass_on(sockets);
    set_or_clear("LISTEN_PID", std::to_string(::getpid()));
    set_or_clear("LISTEN_FDS", announced);
    return outcome();
  });
}

std::string refusal(int fd) {
  return "78: LISTEN_FDS: descriptor " + std::to_string(fd) + " is not a TCP socket that listens";
}

UniqueFd listener_on(std::string_view where) {
  return value_or_throw(open_listener(endpoint(where), {.backlog = 1}));
}

TEST(InheritedSockets, AreNoneWithoutVariables) {
  const auto listener = listener_on("127.0.0.1:0");
  EXPECT_EQ(in_child([&] {
              pass_on({listener.get()});
              set_or_clear("LISTEN_PID", "");
              set_or_clear("LISTEN_FDS", "");
              return outcome();
            }),
            "none");
}

TEST(InheritedSockets, AreNoneWithoutAPid) {
  const auto listener = listener_on("127.0.0.1:0");
  EXPECT_EQ(in_child([&] {
              pass_on({listener.get()});
              set_or_clear("LISTEN_PID", "");
              set_or_clear("LISTEN_FDS", "1");
              return outcome();
            }),
            "none");
}

TEST(InheritedSockets, OfAnotherProcessAreLeftAlone) {
  const auto listener = listener_on("127.0.0.1:0");
  EXPECT_EQ(in_child([&] {
              pass_on({listener.get()});
              set_or_clear("LISTEN_PID", std::to_string(::getppid()));
              set_or_clear("LISTEN_FDS", "1");
              return outcome() + (::fcntl(kFirst, F_GETFD) == 0 ? ", still open" : ", touched");
            }),
            "none, still open");
}

/// Whether any of the variables is left.
std::string variables_left() {
  for (const auto* const name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) {
    if (std::getenv(name) != nullptr) return name;
  }
  return "none";
}

TEST(InheritedSockets, VariablesAreClearedWhomeverTheyAreFor) {
  const auto listener = listener_on("127.0.0.1:0");
  for (const bool is_ours : {true, false}) {
    EXPECT_EQ(in_child([&] {
                pass_on({listener.get()});
                set_or_clear("LISTEN_PID", std::to_string(is_ours ? ::getpid() : ::getppid()));
                set_or_clear("LISTEN_FDS", "1");
                set_or_clear("LISTEN_FDNAMES", "echo");
                outcome();
                return variables_left();
              }),
              "none");
  }
}

TEST(InheritedSockets, VariablesAreClearedAlsoBeforeAnError) {
  EXPECT_EQ(in_child([&] {
              set_or_clear("LISTEN_PID", std::to_string(::getpid()));
              set_or_clear("LISTEN_FDS", "many");
              set_or_clear("LISTEN_FDNAMES", "echo");
              outcome();
              return variables_left();
            }),
            "none");
}

TEST(InheritedSockets, AreTakenInTheirOrderAndNotPassedOn) {
  const auto first = listener_on("127.0.0.1:0");
  const auto second = listener_on("127.0.0.1:0");
  EXPECT_EQ(outcome_with({first.get(), second.get()}, "2"),
            "3 on " + bound(first).text() + "\n4 on " + bound(second).text() + "\n");
}

TEST(InheritedSockets, MayBeOfIpv6) {
  if (!has_ipv6_loopback()) GTEST_SKIP() << "there is no ::1 here";
  const auto listener = listener_on("[::1]:0");
  EXPECT_EQ(outcome_with({listener.get()}, "1"), "3 on " + bound(listener).text() + "\n");
}

TEST(InheritedSockets, MayBeAnnouncedAsNone) {
  EXPECT_EQ(outcome_with({}, "0"), "none");
  EXPECT_EQ(outcome_with({}, ""), "none");
}

TEST(InheritedSockets, MayNotBeFiles) {
  const UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(outcome_with({file.get()}, "1"), refusal(3));
}

TEST(InheritedSockets, MayNotBeClosed) {
  const auto listener = listener_on("127.0.0.1:0");
  EXPECT_EQ(outcome_with({listener.get()}, "2"), refusal(4));
}

TEST(InheritedSockets, MayNotBeOfUdp) {
  const auto listener = listener_on("127.0.0.1:0");
  const UniqueFd udp(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ASSERT_TRUE(udp);
  EXPECT_EQ(outcome_with({listener.get(), udp.get()}, "2"), refusal(4));
}

TEST(InheritedSockets, MayNotBeOfTheUnixDomain) {
  const UniqueFd local(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un any{.sun_family = AF_UNIX, .sun_path = {}};
  ASSERT_EQ(::bind(local.get(), reinterpret_cast<const sockaddr*>(&any), sizeof(sa_family_t)), 0);
  ASSERT_EQ(::listen(local.get(), 1), 0);
  EXPECT_EQ(outcome_with({local.get()}, "1"), refusal(3));
}

TEST(InheritedSockets, MustListen) {
  const UniqueFd fresh(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(outcome_with({fresh.get()}, "1"), refusal(3));
  const TcpPair pair;
  EXPECT_EQ(outcome_with({pair.server.get()}, "1"), refusal(3));
}

TEST(InheritedSockets, MayNotBeMoreThanThereCanBeAddresses) {
  EXPECT_EQ(outcome_with({}, "65"), "78: LISTEN_FDS: '65' is no number of sockets; allowed: 0 to 64");
  EXPECT_THAT(outcome_with({}, "18446744073709551615"), StartsWith("78: LISTEN_FDS: '18446744073709551615'"));
}

TEST(InheritedSockets, MustBeCounted) {
  EXPECT_EQ(outcome_with({}, "two"), "78: LISTEN_FDS: 'two' is no number of sockets; allowed: 0 to 64");
  EXPECT_THAT(outcome_with({}, "-1"), StartsWith("78: LISTEN_FDS: '-1'"));
}

}  // namespace
}  // namespace tcp_echo::test
