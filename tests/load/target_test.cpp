#include "tcp_echo/load/target.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "support/ipv6.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/net/listening_socket.hpp"

namespace tcp_echo::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::vector<Endpoint> from(const char* address) { return {*Endpoint::parse(address)}; }

TEST(Target, NumbersAreTakenAsTheyAre) {
  EXPECT_EQ(find_target("192.0.2.1:8090", {})->text(), "192.0.2.1:8090");
  EXPECT_EQ(find_target("[2001:db8::1]:1", {})->text(), "[2001:db8::1]:1");
}

class TargetForm : public testing::TestWithParam<std::string> {};

TEST_P(TargetForm, IsRefused) {
  const auto target = find_target(GetParam(), {});
  ASSERT_FALSE(target);
  EXPECT_EQ(target.error().code, ExitCode::kUsage);
  EXPECT_THAT(target.error().text, AllOf(HasSubstr("'" + GetParam() + "'"), HasSubstr("allowed: HOST:PORT")));
}

INSTANTIATE_TEST_SUITE_P(Each, TargetForm,
                         testing::Values("", "host", "8090", ":8090", "host:", "host:0", "host:65536",
                                         "host:http", "127.0.0.1:0", "[::1]:0", "::1:8090", "[host]:80",
                                         "host:+1"));

TEST(Target, OfANameIsTheAddressThatAcceptsConnections) {
  for (const std::string address : {"127.0.0.1", "[::1]"}) {
    if (address == "[::1]" && !has_ipv6_loopback()) continue;
    const auto listener = value_or_throw(open_listener(*Endpoint::parse(address + ":0"), {.backlog = 8}));
    const auto port = std::to_string(local_endpoint(listener.get())->port());
    const auto target = find_target("localhost:" + port, {});
    ASSERT_TRUE(target) << target.error().text;
    // Where localhost has no IPv6 address there is but one to choose.
    if (find_target("localhost:" + port, from("[::1]:0"))) {
      EXPECT_EQ(target->text(), local_endpoint(listener.get())->text());
    }
  }
}

TEST(Target, OfANameIsOfTheSourcesFamily) {
  const auto target = find_target("localhost:9", from("127.0.0.2:0"));
  ASSERT_TRUE(target) << target.error().text;
  EXPECT_EQ(target->text(), "127.0.0.1:9");
}

TEST(Target, OfAnotherFamilyThanTheSourcesIsRefused) {
  const auto target = find_target("127.0.0.1:9", from("[::1]:0"));
  ASSERT_FALSE(target);
  EXPECT_EQ(target.error().code, ExitCode::kUsage);
  EXPECT_THAT(target.error().text, AllOf(HasSubstr("--source-address: [::1] "), HasSubstr("'127.0.0.1:9'")));
}

TEST(Target, ThatNobodyKnowsIsUnavailable) {
  const auto target = find_target("nobody.invalid:9", {});
  ASSERT_FALSE(target);
  EXPECT_EQ(target.error().code, ExitCode::kUnavailable);
  EXPECT_THAT(target.error().text, HasSubstr("'nobody.invalid'"));
}

TEST(Target, IsAnAddressAlsoWhereNobodyListens) {
  const UniqueFd taken(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto anywhere = *Endpoint::parse("127.0.0.1:0");
  ASSERT_EQ(::bind(taken.get(), anywhere.address(), anywhere.size()), 0);
  const auto port = local_endpoint(taken.get())->port();
  const auto target = find_target("localhost:" + std::to_string(port), {});
  ASSERT_TRUE(target) << target.error().text;
  EXPECT_EQ(target->port(), port);
}

TEST(Target, IsNamedInOneLineWhateverItContains) {
  for (const std::string text : {"no\nbody.invalid:9", "no\nform"}) {
    const auto target = find_target(text, {});
    ASSERT_FALSE(target);
    EXPECT_THAT(target.error().text, AllOf(HasSubstr(R"('no\n)"), testing::Not(HasSubstr("\n"))));
  }
}

TEST(Target, MayHaveNoByteOfZero) {
  const auto target = find_target(std::string("localhost\0x:9", 13), {});
  ASSERT_FALSE(target);
  EXPECT_EQ(target.error().code, ExitCode::kUsage);
}

TEST(Sources, AreTriedBeforehand) {
  EXPECT_TRUE(check_sources({}));
  EXPECT_TRUE(check_sources({*Endpoint::parse("127.0.0.2:0"), *Endpoint::parse("127.0.0.3:0")}));
  const auto checked = check_sources({*Endpoint::parse("127.0.0.2:0"), *Endpoint::parse("192.0.2.1:0")});
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ExitCode::kUnavailable);
  EXPECT_THAT(checked.error().text, AllOf(HasSubstr("--source-address"), HasSubstr("192.0.2.1:")));
}

TEST(Sources, AreWhereAConnectionComesFrom) {
  const auto listener = value_or_throw(open_listener(*Endpoint::parse("127.0.0.1:0"), {.backlog = 8}));
  const auto target = value_or_throw(local_endpoint(listener.get()));
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(bind_source(fd.get(), *Endpoint::parse("127.0.0.2:0")), 0);
  ASSERT_EQ(::connect(fd.get(), target.address(), target.size()), 0);
  const auto source = value_or_throw(local_endpoint(fd.get()));
  EXPECT_THAT(source.text(), testing::StartsWith("127.0.0.2:"));
  EXPECT_NE(source.port(), 0);
}

TEST(Sources, ThatAreNotOursAreAnError) {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(bind_source(fd.get(), *Endpoint::parse("192.0.2.1:0")), EADDRNOTAVAIL);
  EXPECT_EQ(bind_source(-1, *Endpoint::parse("127.0.0.2:0")), EBADF);
}

TEST(Sources, GetNoPortBeforeTheyConnect) {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(bind_source(fd.get(), *Endpoint::parse("127.0.0.2:0")), 0);
  EXPECT_EQ(local_endpoint(fd.get())->text(), "127.0.0.2:0");
}

}  // namespace
}  // namespace tcp_echo::test
