#include "tcp_echo/net/listening_socket.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <ostream>
#include <stdexcept>
#include <vector>

#include "support/child.hpp"
#include "support/ipv6.hpp"
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
  if (!has_ipv6_loopback()) GTEST_SKIP() << "there is no ::1 here";
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

/// Some kernels want CAP_NET_ADMIN for the filter; without it there is another way to the same end, and an
/// ordinary user has only that one. Where the kernel lets everybody filter, both are the same.
enum class As { kWhoeverRunsTheTest, kOrdinaryUser };

class RefuseHandshakes : public testing::TestWithParam<As> {
 protected:
  static Result<void> refuse(int listener) {
    const auto user = ::geteuid();
    const bool changes = user == 0 && GetParam() == As::kOrdinaryUser;
    if (changes && ::seteuid(kNobody) != 0) throw std::runtime_error("seteuid");
    auto refused = refuse_handshakes(listener);
    if (changes && ::seteuid(user) != 0) throw std::runtime_error("seteuid");
    return refused;
  }
  static void expect_refused(const UniqueFd& listener) {
    const auto refused = refuse(listener.get());
    EXPECT_TRUE(refused) << refused.error().text;
  }
};

INSTANTIATE_TEST_SUITE_P(As, RefuseHandshakes, testing::Values(As::kWhoeverRunsTheTest, As::kOrdinaryUser),
                         [](const auto& row) {
                           return row.param == As::kOrdinaryUser ? "OrdinaryUser" : "WhoeverRunsTheTest";
                         });

/// Begins again for want of an answer, and has still got none.
void expect_no_answer(const std::vector<Attempt>& attempts) {
  for (const auto& attempt : attempts) {
    EXPECT_TRUE(eventually([&] { return attempt.repetitions() > 0; })) << "it did not try again";
    EXPECT_TRUE(attempt.is_unanswered());
  }
}

TEST_P(RefuseHandshakes, LeavesANewClientWithoutAnyAnswer) {
  const auto listener = listen_on("127.0.0.1:0");
  expect_refused(listener);
  std::vector<Attempt> attempts;
  attempts.emplace_back(bound(listener));
  expect_no_answer(attempts);
  EXPECT_LT(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC), 0);
}

TEST_P(RefuseHandshakes, LeavesClientsOfBothFamiliesWithoutAnyAnswer) {
  if (!has_ipv6_loopback()) GTEST_SKIP() << "there is no ::1 here";
  const auto listener = listen_on("[::]:0");
  expect_refused(listener);
  std::vector<Attempt> attempts;
  attempts.emplace_back(endpoint(at_port("127.0.0.1", listener)));
  attempts.emplace_back(endpoint(at_port("[::1]", listener)));
  expect_no_answer(attempts);
}

TEST_P(RefuseHandshakes, HoldsForTheSocketThroughWhicheverDescriptor) {
  const auto listener = listen_on("127.0.0.1:0");
  expect_refused(UniqueFd(::fcntl(listener.get(), F_DUPFD_CLOEXEC, 0)));
  std::vector<Attempt> attempts;
  attempts.emplace_back(bound(listener));
  expect_no_answer(attempts);
}

TEST_P(RefuseHandshakes, LeavesOtherListenersAlone) {
  const auto listener = listen_on("127.0.0.1:0");
  const auto other = listen_on("127.0.0.1:0");
  expect_refused(listener);
  const Attempt attempt(bound(other));
  EXPECT_TRUE(eventually([&] { return attempt.is_connected(); }));
  EXPECT_TRUE(accept_from(other));
}

TEST_P(RefuseHandshakes, MayBeAskedForTwice) {
  const auto listener = listen_on("127.0.0.1:0");
  expect_refused(listener);
  expect_refused(listener);
}

/// Bytes pass in both directions.
void expect_exchange(Client& client, const UniqueFd& server) {
  std::array<char, 8> buffer{};
  client.send("ping");
  ASSERT_EQ(::recv(server.get(), buffer.data(), buffer.size(), 0), 4);
  ASSERT_EQ(::send(server.get(), "pong", 4, MSG_NOSIGNAL), 4);
  EXPECT_TRUE(eventually([&] {
    client.read_some();
    return client.received() == "pong";
  }));
}

TEST_P(RefuseHandshakes, LetsAClientThatWaitsInTheQueueBeServed) {
  const auto listener = listen_on("127.0.0.1:0");
  Client waiting(bound(listener));
  expect_refused(listener);
  expect_exchange(waiting, accept_from(listener));
}

TEST_P(RefuseHandshakes, LetsAnAcceptedConnectionGoOnToItsEnd) {
  const auto listener = listen_on("127.0.0.1:0");
  Client client(bound(listener));
  auto server = accept_from(listener);
  expect_refused(listener);
  expect_exchange(client, server);
  server.reset();
  EXPECT_TRUE(eventually([&] {
    client.read_some();
    return client.end() == End::kFin;
  }));
}

TEST_P(RefuseHandshakes, LetsTheClosedAddressBeTakenAgain) {
  auto listener = listen_on("127.0.0.1:0");
  const auto where = bound(listener);
  expect_refused(listener);
  listener.reset();
  const auto next = value_or_throw(open_listener(where, kPlain));
  const Attempt attempt(where);
  EXPECT_TRUE(eventually([&] { return attempt.is_connected(); }));
}

TEST_P(RefuseHandshakes, OfSomethingElseIsAnError) {
  const UniqueFd no_socket(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const auto refused = refuse(no_socket.get());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ExitCode::kOsError);
  EXPECT_THAT(refused.error().text, StrEq("keep new clients away: Socket operation on non-socket"));
}

TEST(HearOut, IsNotNeededForWhatComesFromAnOrdinaryListener) {
  EXPECT_FALSE(makes_deaf(listen_on("127.0.0.1:0").get()));
  EXPECT_FALSE(makes_deaf(-1));
}

TEST(HearOut, LetsAConnectionHearWhoCameThroughAListenerThatMakesDeaf) {
  const auto listener = listen_on("127.0.0.1:0");
  constexpr int kMostHops = 255;
  set_integer(listener.get(), IPPROTO_IP, IP_MINTTL,
              kMostHops);  // as refuse_handshakes() where it may not filter
  EXPECT_TRUE(makes_deaf(listener.get()));
  Client client(bound(listener), 0, kMostHops);  // its handshake gets through, as one under way does
  const auto server = accept_from(listener);
  set_integer(client.fd(), IPPROTO_IP, IP_TTL, 64);
  hear_out(server.get());
  EXPECT_EQ(option_of(server.get(), IPPROTO_IP, IP_MINTTL), 0);
  expect_exchange(client, server);
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

class ProbeOfATakenAddress : public ::testing::TestWithParam<Strangers> {
 protected:
  void SetUp() override {
    const auto row = std::string(GetParam().theirs) + GetParam().ours;
    if (row.find("::1") != std::string::npos && !has_ipv6_loopback()) GTEST_SKIP() << "there is no ::1 here";
  }
};

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

ino_t inode_of(const UniqueFd& fd) {
  struct stat status {};
  EXPECT_EQ(::fstat(fd.get(), &status), 0);
  return status.st_ino;
}

TEST_P(ProbeOfATakenAddress, PassesWhereOnlyOurOwnListen) {
  const auto own = listen_on(GetParam().theirs);
  const auto probed = probe_address(endpoint(at_port(GetParam().ours, own)), {inode_of(own)});
  EXPECT_TRUE(probed) << probed.error().text;
}

TEST_P(ProbeOfATakenAddress, FailsWhereOneThatIsNotOursListensWithOthersOfOurs) {
  const auto stranger = listen_on(GetParam().theirs);
  const auto sibling = value_or_throw(open_listener(bound(stranger), kPlain));
  const auto elsewhere = listen_on("127.0.0.1:0");
  const auto probed =
      probe_address(endpoint(at_port(GetParam().ours, stranger)), {inode_of(sibling), inode_of(elsewhere)});
  ASSERT_FALSE(probed);
  EXPECT_EQ(probed.error().code, ExitCode::kUnavailable);
}

TEST(Probe, PassesAllOfOurOwnSiblings) {
  const auto one = listen_on("127.0.0.1:0");
  const auto other = value_or_throw(open_listener(bound(one), kPlain));
  EXPECT_TRUE(probe_address(bound(one), {inode_of(other), inode_of(one)}));
  EXPECT_FALSE(probe_address(bound(one), {inode_of(one)}));
}

TEST(Probe, PassesOurOwnThatDoNotListenYet) {
  const auto own = value_or_throw(bind_listener(any_loopback_port(), kPlain));
  EXPECT_TRUE(probe_address(bound(own), {inode_of(own)}));
}

TEST(Probe, IsNotBotheredByAStrangerOnAnotherAddressOfOurPort) {
  const auto own = listen_on("127.0.0.1:0");
  const auto stranger = listen_on(at_port("127.0.0.2", own));
  EXPECT_TRUE(probe_address(bound(own), {inode_of(own)}));
  EXPECT_FALSE(probe_address(endpoint(at_port("0.0.0.0", own)), {inode_of(own)}));
}

TEST(Probe, OfAnAddressThatTheMachineDoesNotHaveFailsWhateverIsOurs) {
  const auto own = listen_on("127.0.0.1:0");
  EXPECT_FALSE(probe_address(endpoint(at_port("192.0.2.1", own)), {inode_of(own)}));
}

TEST(BoundListener, AcceptsNobodyBeforeItListens) {
  const auto listener = value_or_throw(bind_listener(any_loopback_port(), kPlain));
  EXPECT_THROW(Client(bound(listener)), std::runtime_error);
  ASSERT_TRUE(tcp_echo::listen_on(listener.get(), bound(listener), 8));
  const Client client(bound(listener));
  EXPECT_TRUE(accept_from(listener));
}

TEST(BoundListener, TakesAnotherBacklogLater) {
  const auto listener = listen_on("127.0.0.1:0");
  ASSERT_TRUE(tcp_echo::listen_on(listener.get(), bound(listener), 5));
  tcp_info info{};
  socklen_t size = sizeof info;
  ASSERT_EQ(::getsockopt(listener.get(), IPPROTO_TCP, TCP_INFO, &info, &size), 0);
  EXPECT_EQ(info.tcpi_sacked, 5U);
}

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
