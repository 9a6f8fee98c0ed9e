#include "tcp_echo/net/listening_socket.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include <ostream>
#include <vector>

#include "support/sockets.hpp"
#include "support/wait.hpp"

namespace tcp_echo::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StrEq;

const ListenerOptions kPlain{.backlog = 8};

UniqueFd listen_on(std::string_view text, const ListenerOptions& options = kPlain) {
  return value_or_throw(open_listener(endpoint(text), options));
}

Endpoint bound(const UniqueFd& listener) { return value_or_throw(local_endpoint(listener.get())); }

std::string at_port(std::string_view host, const UniqueFd& listener) {
  return std::string(host) + ":" + std::to_string(bound(listener).port());
}

UniqueFd accept_from(const UniqueFd& listener) {
  UniqueFd accepted;
  EXPECT_TRUE(eventually([&] {
    accepted = UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    return static_cast<bool>(accepted);
  }));
  return accepted;
}

TEST(ListeningSocket, BindsPortZeroToAFreePort) {
  const auto listener = listen_on("127.0.0.1:0");
  EXPECT_NE(bound(listener).port(), 0);
  EXPECT_EQ(bound(listener).with_port(0), endpoint("127.0.0.1:0"));
}

TEST(ListeningSocket, IsNonBlockingAndNotInherited) {
  const auto listener = listen_on("127.0.0.1:0");
  EXPECT_NE(::fcntl(listener.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(listener.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(ListeningSocket, SeveralShareOneEndpoint) {
  const auto first = listen_on("127.0.0.1:0");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(open_listener(bound(first), kPlain));
}

TEST(ListeningSocket, SiblingsGetTheirShareOfTheConnections) {
  const auto first = listen_on("127.0.0.1:0", {.backlog = 200});
  const auto second = value_or_throw(open_listener(bound(first), {.backlog = 200}));
  std::vector<Client> clients;
  clients.reserve(100);
  for (int i = 0; i < 100; ++i) clients.emplace_back(bound(first));
  EXPECT_TRUE(accept_from(first));
  EXPECT_TRUE(accept_from(second));
}

TEST(ListeningSocket, GivesItsOptionsToWhatItAccepts) {
  TcpPair pair({.backlog = 8, .nodelay = true, .keepalive = std::chrono::seconds(77)});
  const int fd = pair.server.get();
  EXPECT_EQ(option_of(fd, IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 77);
  EXPECT_EQ(option_of(fd, SOL_SOCKET, SO_OOBINLINE), 1);
}

TEST(ListeningSocket, LeavesOffWhatWasNotAskedFor) {
  TcpPair pair({.backlog = 8, .nodelay = false, .keepalive = {}});
  EXPECT_EQ(option_of(pair.server.get(), IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_EQ(option_of(pair.server.get(), SOL_SOCKET, SO_KEEPALIVE), 0);
}

TEST(ListeningSocket, TakesTheBacklogItIsGiven) {
  const auto listener = listen_on("127.0.0.1:0", {.backlog = 7});
  tcp_info info{};
  socklen_t size = sizeof info;
  ASSERT_EQ(::getsockopt(listener.get(), IPPROTO_TCP, TCP_INFO, &info, &size), 0);
  EXPECT_EQ(info.tcpi_sacked, 7U);  // of a listening socket this is the length of its queue
}

TEST(ListeningSocket, AnyV6AddressTakesIpv4AsWell) {
  const auto listener = listen_on("[::]:0");
  const Client v4(endpoint(at_port("127.0.0.1", listener)));
  EXPECT_TRUE(accept_from(listener));
  const Client v6(endpoint(at_port("[::1]", listener)));
  EXPECT_TRUE(accept_from(listener));
}

TEST(ListeningSocket, AnyV6AndAnyV4OpenOnTheSamePort) {
  const auto v6 = listen_on("[::]:0");
  const auto v4 = listen_on(at_port("0.0.0.0", v6));
  const Client client(endpoint(at_port("127.0.0.1", v6)));
  EXPECT_TRUE(accept_from(v4)) << "the closer match of the address wins";
}

TEST(ListeningSocket, SaysThatTheMachineHasNoSuchAddress) {
  const auto listener = open_listener(endpoint("192.0.2.1:8090"), kPlain);  // TEST-NET-1, RFC 5737
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().code, ExitCode::kUnavailable);
  EXPECT_THAT(listener.error().text,
              StrEq("cannot listen on 192.0.2.1:8090: this machine has no such address"));
}

TEST(ListeningSocket, SaysThatTheAddressIsTaken) {
  const UniqueFd stranger(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto any = any_loopback_port();
  ASSERT_EQ(::bind(stranger.get(), any.address(), any.size()), 0);
  ASSERT_EQ(::listen(stranger.get(), 1), 0);
  const auto listener = open_listener(bound(stranger), kPlain);
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().code, ExitCode::kUnavailable);
  EXPECT_EQ(listener.error().text,
            "cannot listen on " + bound(stranger).text() + ": another process listens there already");
}

TEST(LocalEndpoint, OfSomethingElseIsAnError) {
  const UniqueFd no_socket(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const auto endpoint = local_endpoint(no_socket.get());
  ASSERT_FALSE(endpoint);
  EXPECT_THAT(endpoint.error().text, HasSubstr("getsockname"));
}

TEST(Backlog, LongestIsWhatTheKernelSays) { EXPECT_GT(longest_backlog(), 0); }

TEST(Ipv6, IsAvailableWhereASocketCanBeBound) {
  EXPECT_EQ(ipv6_available(), open_listener(Endpoint::any_v6(0), kPlain).has_value());
}

// A stranger that set SO_REUSEPORT itself: binding with SO_REUSEPORT would join it in silence.
struct Strangers {
  const char* theirs;
  const char* ours;

  friend void PrintTo(const Strangers& row, std::ostream* out) {
    *out << row.theirs << " before " << row.ours;
  }
};

class ProbeOfATakenAddress : public ::testing::TestWithParam<Strangers> {};

TEST_P(ProbeOfATakenAddress, Fails) {
  const auto stranger = listen_on(GetParam().theirs);
  const auto ours = endpoint(at_port(GetParam().ours, stranger));
  const auto probed = probe_address(ours);
  ASSERT_FALSE(probed);
  EXPECT_EQ(probed.error().code, ExitCode::kUnavailable);
  EXPECT_EQ(probed.error().text,
            "cannot listen on " + ours.text() + ": another process listens there already");
}

INSTANTIATE_TEST_SUITE_P(Strangers, ProbeOfATakenAddress,
                         ::testing::Values(Strangers{"127.0.0.1:0", "127.0.0.1"},
                                           Strangers{"127.0.0.1:0", "0.0.0.0"},
                                           Strangers{"127.0.0.1:0", "[::]"},
                                           Strangers{"0.0.0.0:0", "127.0.0.1"},
                                           Strangers{"0.0.0.0:0", "[::]"}, Strangers{"[::]:0", "127.0.0.1"},
                                           Strangers{"[::]:0", "0.0.0.0"}, Strangers{"[::]:0", "[::]"},
                                           Strangers{"[::1]:0", "[::]"}, Strangers{"[::]:0", "[::1]"}),
                         [](const auto& row) { return "N" + std::to_string(row.index); });

TEST(Probe, LeavesTheAddressFree) {
  const auto freed = bound(listen_on("127.0.0.1:0"));
  ASSERT_TRUE(probe_address(freed));
  ASSERT_TRUE(probe_address(freed));
  EXPECT_TRUE(open_listener(freed, kPlain));
}

TEST(Probe, PassesPortZero) { EXPECT_TRUE(probe_address(any_loopback_port())); }

TEST(Probe, IsNotBotheredByAnotherAddressOfTheSamePort) {
  const auto stranger = listen_on("127.0.0.1:0");
  EXPECT_TRUE(probe_address(endpoint(at_port("127.0.0.2", stranger))));
}

TEST(Probe, IsNotBotheredByConnectionsThatOutlivedTheirListener) {
  TcpPair pair;
  const auto where = bound(pair.listener);
  pair.listener.reset();
  EXPECT_TRUE(probe_address(where));
  EXPECT_TRUE(open_listener(where, kPlain));
}

TEST(Probe, IsNotBotheredByConnectionsInTimeWait) {
  TcpPair pair;
  const auto where = bound(pair.listener);
  pair.listener.reset();
  pair.server.reset();  // who closes first keeps the port in TIME_WAIT
  EXPECT_TRUE(eventually([&] { return !pair.client.is_open(); }));
  pair.client.close();
  EXPECT_TRUE(probe_address(where));
  EXPECT_TRUE(open_listener(where, kPlain));
}

TEST(Probe, SaysThatTheMachineHasNoSuchAddress) {
  const auto probed = probe_address(endpoint("192.0.2.1:0"));
  ASSERT_FALSE(probed);
  EXPECT_EQ(probed.error().code, ExitCode::kUnavailable);
  EXPECT_THAT(probed.error().text, HasSubstr("this machine has no such address"));
}

}  // namespace
}  // namespace tcp_echo::test
