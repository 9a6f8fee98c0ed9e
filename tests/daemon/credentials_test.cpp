#include "tcp_echo/daemon/credentials.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "support/child.hpp"

namespace tcp_echo::test {
namespace {

constexpr auto kUnknown = "no:such:name";

TEST(Credentials, AskForNothingWithoutNames) {
  const auto credentials = find_credentials("", "");
  ASSERT_TRUE(credentials);
  EXPECT_EQ(credentials->user, std::nullopt);
  EXPECT_EQ(credentials->group, std::nullopt);
}

/// What an ordinary user gets for these names.
std::string for_an_ordinary_user(const std::string& user, const std::string& group) {
  return in_child([&] {
    if (::geteuid() == 0 && ::setuid(kNobody) != 0) return std::string("still root");
    const auto credentials = find_credentials(user, group);
    return credentials
               ? std::string("granted")
               : std::to_string(static_cast<int>(credentials.error().code)) + ": " + credentials.error().text;
  });
}

TEST(Credentials, AreNotForAnOrdinaryUserToChange) {
  EXPECT_EQ(for_an_ordinary_user("root", ""), "77: --user: only root can start workers as others");
  EXPECT_EQ(for_an_ordinary_user("root", "root"), "77: --user: only root can start workers as others");
  EXPECT_EQ(for_an_ordinary_user("", "root"), "77: --group: only root can start workers as others");
}

TEST(Credentials, OfNobodyElseAreForEverybody) { EXPECT_EQ(for_an_ordinary_user("", ""), "granted"); }

/// What only root is granted.
class CredentialsOfRoot : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: nobody else may name users and groups";
  }
};

TEST_F(CredentialsOfRoot, AreThoseOfTheNamedUser) {
  const auto credentials = value_or_throw(find_credentials("root", ""));
  EXPECT_EQ(credentials.user, uid_t{0});
  EXPECT_EQ(credentials.group, gid_t{0});
}

struct Account {
  std::string name;
  uid_t user;
  gid_t group;
};

/// A user who is root in neither respect; every system has some for its services.
Account some_other_account() {
  Account found{};
  for (const auto* const name : {"daemon", "bin", "nobody", "mail"}) {
    const passwd* const entry = ::getpwnam(name);
    if (entry == nullptr || entry->pw_uid == 0 || entry->pw_gid == 0) continue;
    found = {entry->pw_name, entry->pw_uid, entry->pw_gid};
    break;
  }
  return found;
}

TEST_F(CredentialsOfRoot, OfAUserComeWithItsPrimaryGroup) {
  const auto other = some_other_account();
  ASSERT_FALSE(other.name.empty()) << "this machine has no user but root";
  const auto credentials = value_or_throw(find_credentials(other.name, ""));
  EXPECT_EQ(credentials.user, other.user);
  EXPECT_EQ(credentials.group, other.group);
}

TEST_F(CredentialsOfRoot, LetANamedGroupWinOverThePrimaryOne) {
  const auto other = some_other_account();
  ASSERT_FALSE(other.name.empty()) << "this machine has no user but root";
  const auto credentials = value_or_throw(find_credentials(other.name, "root"));
  EXPECT_EQ(credentials.user, other.user);
  EXPECT_EQ(credentials.group, gid_t{0});
}

TEST_F(CredentialsOfRoot, LeaveTheUserAloneWhereOnlyAGroupIsNamed) {
  const auto credentials = value_or_throw(find_credentials("", "root"));
  EXPECT_EQ(credentials.user, std::nullopt);
  EXPECT_EQ(credentials.group, gid_t{0});
}

TEST_F(CredentialsOfRoot, OfAnUnknownUserAreAnError) {
  const auto credentials = find_credentials(kUnknown, "root");
  ASSERT_FALSE(credentials);
  EXPECT_EQ(credentials.error().code, ExitCode::kConfig);
  EXPECT_EQ(credentials.error().text, "--user: there is no user 'no:such:name'");
}

TEST_F(CredentialsOfRoot, OfAnUnknownGroupAreAnError) {
  const auto credentials = find_credentials("root", kUnknown);
  ASSERT_FALSE(credentials);
  EXPECT_EQ(credentials.error().code, ExitCode::kConfig);
  EXPECT_EQ(credentials.error().text, "--group: there is no group 'no:such:name'");
}

}  // namespace
}  // namespace tcp_echo::test
