// Minutes or hours of everything at once: tests/soak/run.sh, docs/testing.md.
#include <gtest/gtest.h>

#include <iostream>

#include "soak/walk.hpp"

namespace tcp_echo::test {
namespace {

TEST(RandomWalk, AccountsForEveryConnection) {
  Walk walk(WalkOptions::from_environment());
  const auto failure = walk.run();
  std::cout << walk.table() << failure;
  EXPECT_TRUE(failure.empty());
}

}  // namespace
}  // namespace tcp_echo::test
