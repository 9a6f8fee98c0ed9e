#include "tcp_echo/net/parties.hpp"

#include <gtest/gtest.h>

#include "support/ipv6.hpp"
#include "support/sockets.hpp"
#include "support/wait.hpp"

namespace tcp_echo::test {
namespace {

TEST(Parties, AreTheTwoEndsOfAConnection) {
  const TcpPair pair;
  const auto client = bound(pair.client.fd());
  EXPECT_EQ(peer_endpoint(pair.server.get()), client);
  EXPECT_EQ(connected_endpoint(pair.server.get()), bound(pair.server.get()));
  EXPECT_EQ(peer_endpoint(pair.client.fd()), bound(pair.server.get()));
}

TEST(Parties, OfAnIpv4ClientHaveIpv4AddressesAlsoOnAListenerForBoth) {
  if (!ipv6_available()) GTEST_SKIP() << "no IPv6 here";
  const auto listener = value_or_throw(open_listener(Endpoint::any_v6(0), {.backlog = 1}));
  const Client client(endpoint("127.0.0.1:0").with_port(bound(listener).port()));
  const UniqueFd server(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  EXPECT_EQ(peer_endpoint(server.get()), bound(client.fd()));
  EXPECT_EQ(connected_endpoint(server.get())->text(), "127.0.0.1:" + std::to_string(bound(listener).port()));
}

TEST(Parties, OfABrokenConnectionAreUnknown) {
  TcpPair pair;
  pair.client.reset();
  EXPECT_TRUE(eventually([&] { return !peer_endpoint(pair.server.get()); }));
}

}  // namespace
}  // namespace tcp_echo::test
