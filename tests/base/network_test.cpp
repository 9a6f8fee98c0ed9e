#include "tcp_echo/base/network.hpp"

#include <gtest/gtest.h>

namespace tcp_echo::test {
namespace {

bool contains(std::string_view network, std::string_view endpoint) {
  const auto range = Network::parse(network);
  EXPECT_TRUE(range) << network;
  return range && range->contains(*Endpoint::parse(endpoint));
}

TEST(Network, HoldsTheAddressesWithItsPrefix) {
  EXPECT_TRUE(contains("10.0.0.0/8", "10.255.0.1:7"));
  EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.1:7"));
  EXPECT_TRUE(contains("192.0.2.64/26", "192.0.2.127:7"));
  EXPECT_FALSE(contains("192.0.2.64/26", "192.0.2.128:7")) << "a prefix may end within a byte";
  EXPECT_TRUE(contains("2001:db8::/33", "[2001:db8:7fff::1]:7"));
  EXPECT_FALSE(contains("2001:db8::/33", "[2001:db8:8000::1]:7"));
}

TEST(Network, MayBeOneAddressOrAllOfThem) {
  EXPECT_TRUE(contains("192.0.2.1", "192.0.2.1:7"));
  EXPECT_FALSE(contains("192.0.2.1", "192.0.2.2:7"));
  EXPECT_TRUE(contains("::1", "[::1]:7"));
  EXPECT_TRUE(contains("0.0.0.0/0", "192.0.2.2:7"));
  EXPECT_FALSE(contains("0.0.0.0/0", "[2001:db8::1]:7"));
  EXPECT_TRUE(contains("::/0", "[2001:db8::1]:7"));
}

TEST(Network, TakesMappedAddressesForTheIpv4AddressesThatTheyAre) {
  EXPECT_TRUE(contains("10.0.0.0/8", "[::ffff:10.1.1.1]:7"));
  EXPECT_TRUE(contains("::ffff:10.0.0.0/104", "10.1.1.1:7"));
  for (const auto* const network : {"::/0", "::/64", "::/95"}) {
    EXPECT_FALSE(contains(network, "10.1.1.1:7")) << network;
    EXPECT_FALSE(contains(network, "[::ffff:10.1.1.1]:7")) << network;
  }
}

TEST(Network, DoesNotMindBitsBehindThePrefix) {
  EXPECT_EQ(Network::parse("10.1.2.3/8"), Network::parse("10.0.0.0/8"));
}

TEST(Network, OfAnythingElseIsRefused) {
  for (const auto* const text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0/8", "2001:db8::/129",
        "[::1]", "10.0.0.1:7", "localhost", "fe80::1%lo"})
    EXPECT_FALSE(Network::parse(text)) << text;
  EXPECT_FALSE(Network::parse(std::string_view("10.0.0.1\0/8", 11)));
  EXPECT_EQ(Network::why_not("10/8"),
            "'10/8' is no network; allowed: an address, without a port, or one with the length of its "
            "prefix, as in "
            "192.0.2.0/24 or 2001:db8::/32");
}

}  // namespace
}  // namespace tcp_echo::test
