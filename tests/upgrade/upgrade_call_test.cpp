#include "tcp_echo/upgrade/upgrade_call.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <vector>

namespace tcp_echo::test {
namespace {

std::vector<std::string> without_name(std::vector<std::string> argv) {
  argv.erase(argv.begin());
  return argv;
}

TEST(UpgradeCall, ComesBackAsItWas) {
  for (const auto purpose : {UpgradeCall::Purpose::kPreflight, UpgradeCall::Purpose::kTakeOver}) {
    for (const auto& arguments : {std::vector<std::string>{}, {"--port", "7", "", "preflight"}}) {
      const UpgradeCall call{purpose, 5, 6, -1, arguments};
      EXPECT_EQ(parse_upgrade_call(without_name(to_argv(call))), call);
    }
  }
}

TEST(UpgradeCall, IsNotTakenForACommandLineOfAUser) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{{},
                                                                     {"--port", "7", "1", "2"},
                                                                     {"preflight"},
                                                                     {"preflight", "3", "4"},
                                                                     {"preflight", "3", "4", "x"},
                                                                     {"preflight", "3", "4x", "5"},
                                                                     {"preflight", "", "4", "5"},
                                                                     {"take-over", "3", "4"}})
    EXPECT_FALSE(parse_upgrade_call(arguments));
}

TEST(StateFile, ComesBackAsItWas) {
  for (const auto& text : {std::string(), std::string("a\0b", 3), std::string(1 << 20, 'x')}) {
    const auto fd = value_or_throw(make_state_file(text));
    EXPECT_EQ(value_or_throw(read_state_file(fd.get())), text);
    EXPECT_EQ(value_or_throw(read_state_file(fd.get())), text) << "whoever goes back reads it again";
  }
}

TEST(StateFile, IsNotInheritedAndCannotBeChanged) {
  const auto fd = value_or_throw(make_state_file("text"));
  EXPECT_NE(::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(::write(fd.get(), "x", 1), -1);
  EXPECT_EQ(::ftruncate(fd.get(), 1), -1);
}

TEST(StateFile, ThatIsSomethingElseIsRefused) {
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  for (const int fd : {-1, null.get()}) {
    const auto read = read_state_file(fd);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().text, "there is no state to take over");
  }
}

}  // namespace
}  // namespace tcp_echo::test
