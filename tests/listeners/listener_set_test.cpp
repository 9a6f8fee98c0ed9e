#include "tcp_echo/listeners/listener_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <set>
#include <vector>

#include "support/listen_config.hpp"
#include "support/sockets.hpp"
#include "support/wait.hpp"
#include "tcp_echo/net/listening_socket.hpp"

namespace tcp_echo::test {
namespace {

using ::testing::HasSubstr;

TEST(ListenerSet, HasOneListenerPerSlotAndAddress) {
  const auto set = value_or_throw(ListenerSet::open(config_for({"127.0.0.1:0", "127.0.0.2:0"}), 3));
  std::set<int> distinct;
  for (unsigned slot = 0; slot < 3; ++slot) {
    const auto listeners = set.of_slot(slot);
    ASSERT_EQ(listeners.size(), 2U);
    EXPECT_EQ(bound(listeners[0]), set.endpoints()[0]);
    EXPECT_EQ(bound(listeners[1]), set.endpoints()[1]);
    distinct.insert(listeners.begin(), listeners.end());
  }
  EXPECT_EQ(distinct.size(), 6U);
}

TEST(ListenerSet, TellsTheRealPortWherePortZeroWasAskedFor) {
  const auto set = value_or_throw(ListenerSet::open(config_for({"127.0.0.1:0"}), 2));
  ASSERT_EQ(set.endpoints().size(), 1U);
  EXPECT_NE(set.endpoints()[0].port(), 0);
  EXPECT_EQ(set.endpoints()[0].with_port(0), any_loopback_port());
  EXPECT_NO_THROW(Client(set.endpoints()[0]));
}

TEST(ListenerSet, OpensAnyV6BesideAnyV4OnOnePort) {
  const auto port =
      std::to_string(bound(value_or_throw(open_listener(endpoint("[::]:0"), {.backlog = 1})).get()).port());
  const auto set = ListenerSet::open(config_for({"[::]:" + port, "0.0.0.0:" + port}), 2);
  EXPECT_TRUE(set) << set.error().text;
}

TEST(ListenerSet, HasNothingForASlotBeyondTheLast) {
  const auto set = value_or_throw(ListenerSet::open(config_for({"127.0.0.1:0"}), 1));
  EXPECT_TRUE(set.of_slot(1).empty());
}

TEST(ListenerSet, OpensNothingWhenOneAddressIsTaken) {
  const TcpPair stranger;
  const auto taken = bound(stranger.listener.get());
  const auto free = bound(value_or_throw(open_listener(any_loopback_port(), {.backlog = 1})).get());
  const int next = next_descriptor();
  const auto set = ListenerSet::open(config_for({free.text(), taken.text()}), 2);
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code, ExitCode::kUnavailable);
  EXPECT_THAT(set.error().text, HasSubstr(taken.text()));
  EXPECT_EQ(next_descriptor(), next) << "a descriptor was left open";
  EXPECT_TRUE(probe_address(free));
}

TEST(ListenerSet, IsClosedWithItsOwner) {
  Endpoint where = any_loopback_port();
  {
    const auto set = value_or_throw(ListenerSet::open(config_for({"127.0.0.1:0"}), 2));
    where = set.endpoints()[0];
    EXPECT_FALSE(probe_address(where));
  }
  EXPECT_TRUE(probe_address(where));
}

TEST(ListenerSet, HandsTheConfiguredOptionsToItsListeners) {
  auto config = config_for({"127.0.0.1:0"});
  config.nodelay = true;
  config.keepalive = std::chrono::milliseconds(1500);
  const auto set = value_or_throw(ListenerSet::open(config, 1));
  const int fd = set.of_slot(0).front();
  EXPECT_EQ(option_of(fd, IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 2) << "whole seconds, never earlier than asked for";
  tcp_info info{};
  socklen_t size = sizeof info;
  ASSERT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
  EXPECT_EQ(info.tcpi_sacked, 16U);
}

TEST(ListenerSet, DefaultAddressIsTheConfiguredOneWhereIpv6IsOn) {
  if (!ipv6_available()) GTEST_SKIP() << "IPv6 is off here";
  auto config = config_for({"[::]:0"});
  config.listen_is_default = true;
  const auto set = value_or_throw(ListenerSet::open(config, 1));
  EXPECT_EQ(set.endpoints().front().with_port(0), endpoint("[::]:0"));
}

TEST(ListenerSet, KeepsNewClientsAwayFromEverySlot) {
  const auto set = value_or_throw(ListenerSet::open(config_for({"127.0.0.1:0", "127.0.0.1:0"}), 2));
  EXPECT_FALSE(set.is_inherited());
  set.refuse_handshakes();
  // Which slot gets a client is left to a hash; so many do not all miss one.
  std::vector<Attempt> attempts;
  for (std::size_t i = 0; i < 20; ++i) attempts.emplace_back(set.endpoints()[i % 2]);
  EXPECT_TRUE(eventually([&] {
    return std::all_of(attempts.begin(), attempts.end(),
                       [](const auto& one) { return one.repetitions() > 0; });
  }));
  for (const auto& attempt : attempts) EXPECT_TRUE(attempt.is_unanswered());
}

/// As a service manager makes them: without an option of ours.
UniqueFd foreign_listener() {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto any = any_loopback_port();
  EXPECT_EQ(::bind(fd.get(), any.address(), any.size()), 0);
  EXPECT_EQ(::listen(fd.get(), 8), 0);
  return fd;
}

/// Two inherited sockets, and where and under which number they were before.
struct Inherited {
  explicit Inherited(const Config& config = config_for({"192.0.2.1:1"})) {
    std::vector<UniqueFd> sockets;
    for (int i = 0; i < 2; ++i) {
      sockets.push_back(foreign_listener());
      descriptors.push_back(sockets.back().get());
      endpoints.push_back(bound(sockets.back().get()));
    }
    set = value_or_throw(ListenerSet::adopt(std::move(sockets), config));
  }

  std::vector<int> descriptors;
  std::vector<Endpoint> endpoints;
  ListenerSet set;
};

TEST(ListenerSet, AdoptsWhatWasInheritedInPlaceOfTheConfiguredAddresses) {
  const Inherited inherited;
  EXPECT_TRUE(inherited.set.is_inherited());
  EXPECT_EQ(inherited.set.endpoints(), inherited.endpoints);
}

TEST(ListenerSet, LetsAllSlotsShareWhatWasInherited) {
  const Inherited inherited;
  for (const unsigned slot : {0U, 1U, 7U}) EXPECT_EQ(inherited.set.of_slot(slot), inherited.descriptors);
}

TEST(ListenerSet, SetsTheConfiguredOptionsOnWhatWasInherited) {
  auto config = config_for({});
  config.nodelay = true;
  config.keepalive = std::chrono::milliseconds(1500);
  const Inherited inherited(config);
  for (const int fd : inherited.descriptors) {
    EXPECT_EQ(option_of(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    EXPECT_EQ(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 2);
    EXPECT_EQ(option_of(fd, SOL_SOCKET, SO_OOBINLINE), 1);
  }
}

TEST(ListenerSet, KeepsNobodyAwayFromWhatWasInherited) {
  const Inherited inherited;
  inherited.set.refuse_handshakes();
  for (const auto& where : inherited.endpoints) {
    const Attempt attempt(where);
    EXPECT_TRUE(eventually([&] { return attempt.is_connected(); }));
  }
}

TEST(ListenerSet, AdoptsNothingThatIsNoSocket) {
  std::vector<UniqueFd> files;
  files.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const auto set = ListenerSet::adopt(std::move(files), config_for({}));
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code, ExitCode::kOsError);
}

}  // namespace
}  // namespace tcp_echo::test
