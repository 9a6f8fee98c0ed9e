#include "tcp_echo/base/account.hpp"

#include <gtest/gtest.h>

namespace tcp_echo {
namespace {

// No machine has this one: a colon ends the name in /etc/passwd.
constexpr auto kUnknown = "no:such:name";

TEST(Account, RootIsUserZeroOfGroupZero) {
  const auto root = find_user("root");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->id, 0U);
  EXPECT_EQ(root->primary_group, 0U);
}

TEST(Account, RootIsGroupZero) { EXPECT_EQ(find_group("root"), gid_t{0}); }

TEST(Account, UnknownUserIsNone) {
  EXPECT_FALSE(find_user(kUnknown));
  EXPECT_FALSE(find_user(""));
}

TEST(Account, UnknownGroupIsNone) {
  EXPECT_FALSE(find_group(kUnknown));
  EXPECT_FALSE(find_group(""));
}

TEST(Account, NumberIsNoName) {
  EXPECT_FALSE(find_user("0"));
  EXPECT_FALSE(find_group("0"));
}

}  // namespace
}  // namespace tcp_echo
