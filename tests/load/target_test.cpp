#include "tcp_echo/load/target.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

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
  for (const auto* const anywhere : {"127.0.0.1:0", "[::1]:0"}) {
    const auto listener = value_or_throw(open_listener(*Endpoint::parse(anywhere), {.backlog = 8}));
    const auto address = value_or_throw(local_endpoint(listener.get()));
    const auto name = "localhost:" + std::to_string(address.port());
    const auto target = find_target(name, {});
    ASSERT_TRUE(target) << target.error().text;
    // Where localhost has no IPv6 address there is but one to choose.
    if (find_target(name, from("[::1]:0"))) {
      EXPECT_EQ(target->text(), address.text());
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

TEST(Sources, AreTriedBeforehand) {
  EXPECT_TRUE(check_sources({}));
  EXPECT_TRUE(check_sources({*Endpoint::parse("127.0.0.2:0"), *Endpoint::parse("127.0.0.3:0")}));
  const auto checked = check_sources({*Endpoint::parse("127.0.0.2:0"), *Endpoint::parse("192.0.2.1:0")});
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ExitCode::kUnavailable);
  EXPECT_THAT(checked.error().text, AllOf(HasSubstr("--source-address"), HasSubstr("192.0.2.1:")));
}

TEST(Sources, GetNoPortBeforeTheyConnect) {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(bind_source(fd.get(), *Endpoint::parse("127.0.0.2:0")), 0);
  EXPECT_EQ(local_endpoint(fd.get())->text(), "127.0.0.2:0");
}

}  // namespace
}  // namespace tcp_echo::test
