#include "tcp_echo/base/endpoint.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <unistd.h>

#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo {
namespace {

std::string read_back(std::string_view text) {
  const auto endpoint = Endpoint::parse(text);
  return endpoint ? endpoint->text() : "refused";
}

TEST(Endpoint, ReadsAndWritesIpv4) {
  const auto endpoint = Endpoint::parse("127.0.0.1:8090");
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->family(), AF_INET);
  EXPECT_EQ(endpoint->port(), 8090);
  EXPECT_EQ(endpoint->size(), sizeof(sockaddr_in));
  EXPECT_EQ(endpoint->text(), "127.0.0.1:8090");
}

TEST(Endpoint, ReadsAndWritesIpv6) {
  const auto endpoint = Endpoint::parse("[::1]:65535");
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->family(), AF_INET6);
  EXPECT_EQ(endpoint->port(), 65535);
  EXPECT_EQ(endpoint->size(), sizeof(sockaddr_in6));
  EXPECT_EQ(endpoint->text(), "[::1]:65535");
}

TEST(Endpoint, KeepsTheScopeOfALinkLocalAddress) {
  EXPECT_EQ(read_back("[fe80::1%lo]:80"), "[fe80::1%lo]:80");
}

TEST(Endpoint, SaysOfAnInterfaceThatIsNotHereThatItIsUnknown) {
  EXPECT_EQ(read_back("[fe80::1%nosuch0]:80"), "refused");
  EXPECT_EQ(Endpoint::why_not("[fe80::1%nosuch0]:80"), "names an interface that is unknown here, 'nosuch0'");
  for (const auto* const text : {"[fe80::1%nosuch0]", "[fe80%nosuch0]:80", "fe80::1%nosuch0:80", "%", "]%:80",
                                 "[::1]:%", "localhost:80"})
    EXPECT_EQ(Endpoint::why_not(text), "is not an address with a port") << text;
}

TEST(Endpoint, WritesTheShortestFormOfAnAddress) {
  EXPECT_EQ(read_back("[0:0:0:0:0:0:0:0]:1"), "[::]:1");
  EXPECT_EQ(read_back("[::FFFF:1.2.3.4]:1"), "[::ffff:1.2.3.4]:1");
}

TEST(Endpoint, RefusesTextWithoutAddressOrPort) {
  for (const auto* const text : {"", ":", "8090", ":8090", "127.0.0.1", "127.0.0.1:", "[::1]",
                                 "[::1]:", "[]:80", "[:80", "]:80", "[::1:80"}) {
    EXPECT_EQ(read_back(text), "refused") << text;
  }
}

TEST(Endpoint, RefusesPortsThatAreNone) {
  for (const auto* const text : {"127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:http", "127.0.0.1: 80",
                                 "127.0.0.1:80 ", "127.0.0.1:0x50"}) {
    EXPECT_EQ(read_back(text), "refused") << text;
  }
}

TEST(Endpoint, RefusesNames) {
  for (const auto* const text : {"localhost:80", "*:80", "[localhost]:80", "ip6-localhost:80"})
    EXPECT_EQ(read_back(text), "refused") << text;
}

TEST(Endpoint, RefusesIpv6WithoutAndIpv4WithBrackets) {
  for (const auto* const text : {"::1:8090", ":::8090", "[127.0.0.1]:80"})
    EXPECT_EQ(read_back(text), "refused") << text;
}

TEST(Endpoint, RefusesTheShorthandsOfInetAton) {
  for (const auto* const text :
       {"127.1:80", "1:80", "8090:8090", "010.0.0.1:80", "0x7f.0.0.1:80", "2130706433:80", "127.0.0.1 :80"}) {
    EXPECT_EQ(read_back(text), "refused") << text;
  }
}

TEST(Endpoint, RefusesAZeroByteInTheAddress) {
  using namespace std::string_view_literals;
  EXPECT_EQ(read_back("127.0.0.1\0.example:80"sv), "refused");
  EXPECT_EQ(read_back("[::1\0]:80"sv), "refused");
}

TEST(Endpoint, ThatIsAnyListensEverywhere) {
  EXPECT_EQ(Endpoint::any_v6(8090).text(), "[::]:8090");
  EXPECT_EQ(Endpoint::any_v4(8090).text(), "0.0.0.0:8090");
}

TEST(Endpoint, EqualsTheSameAddressHoweverItWasMade) {
  EXPECT_EQ(*Endpoint::parse("[::]:80"), Endpoint::any_v6(80));
  EXPECT_EQ(*Endpoint::parse("[0::0]:80"), Endpoint::any_v6(80));
  EXPECT_EQ(*Endpoint::parse("0.0.0.0:80"), Endpoint::any_v4(80));
}

TEST(Endpoint, DiffersByAddressPortAndFamily) {
  const auto endpoint = *Endpoint::parse("127.0.0.1:80");
  EXPECT_FALSE(endpoint == *Endpoint::parse("127.0.0.2:80"));
  EXPECT_FALSE(endpoint == *Endpoint::parse("127.0.0.1:81"));
  EXPECT_FALSE(Endpoint::any_v4(80) == Endpoint::any_v6(80));
}

TEST(Endpoint, ChangesItsPortInACopy) {
  for (const auto* const text : {"127.0.0.1:0", "[::1]:0"}) {
    const auto endpoint = *Endpoint::parse(text);
    EXPECT_EQ(endpoint.with_port(4242).port(), 4242);
    EXPECT_EQ(endpoint.port(), 0);
  }
}

TEST(Endpoint, EqualsWhatTheKernelSaysOfABoundSocket) {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto wanted = *Endpoint::parse("127.0.0.1:0");
  ASSERT_EQ(::bind(fd.get(), wanted.address(), wanted.size()), 0);
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ASSERT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const auto bound = Endpoint::from_sockaddr(address, size);
  EXPECT_NE(bound.port(), 0);
  EXPECT_EQ(bound, wanted.with_port(bound.port()));
}

TEST(Endpoint, ThatWasNeverSetSaysSo) { EXPECT_EQ(Endpoint::from_sockaddr({}, 0).text(), "(no address)"); }

TEST(Listed, SeparatesEndpointsByCommas) {
  EXPECT_EQ(listed({}), "");
  EXPECT_EQ(listed({*Endpoint::parse("127.0.0.1:8090")}), "127.0.0.1:8090");
  EXPECT_EQ(listed({*Endpoint::parse("127.0.0.1:8090"), *Endpoint::parse("[::1]:8090")}),
            "127.0.0.1:8090, [::1]:8090");
}

TEST(Endpoint, GivesItsAddressWithoutThePort) {
  EXPECT_EQ(Endpoint::parse("127.0.0.1:8090")->host(), "127.0.0.1");
  EXPECT_EQ(Endpoint::parse("[::1]:8090")->host(), "::1");
}

TEST(Endpoint, OfAMappedAddressIsThatOfIpv4) {
  EXPECT_EQ(Endpoint::parse("[::ffff:192.0.2.1]:7")->unmapped(), *Endpoint::parse("192.0.2.1:7"));
  for (const auto* const text : {"192.0.2.1:7", "[::1]:7", "[::192.0.2.1]:7", "[2001:db8::1]:7"})
    EXPECT_EQ(Endpoint::parse(text)->unmapped(), *Endpoint::parse(text)) << text;
}

}  // namespace
}  // namespace tcp_echo
