// What the other tests of the program stand on.

#include <gtest/gtest.h>

#include <cstdlib>

#include "system/daemon.hpp"

namespace tcp_echo::test {
namespace {

// As one in /proc whose process ends between open(2) and read(2): there is nothing at a process's address 0.
TEST(Support, AFileThatCanBeOpenedAndNotReadHasNoContent) { EXPECT_EQ(content("/proc/self/mem"), ""); }

TEST(Support, DaemonsKnowNothingOfTheOptionsInTheTestsOwnEnvironment) {
  ::setenv("TCP_ECHO_WORKERS", "none", 1);
  const auto outcome = run({.arguments = {"--check"}});
  ::unsetenv("TCP_ECHO_WORKERS");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.log;
}

}  // namespace
}  // namespace tcp_echo::test
