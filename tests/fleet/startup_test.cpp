#include "fleet/startup.hpp"

#include <gtest/gtest.h>

namespace tcp_echo::test {
namespace {

using Failures = std::vector<unsigned>;

TEST(Startup, IsUpOnceAllSlotsHaveAWorkerAtOneTime) {
  Startup startup;
  startup.on_ready(1, 2);
  EXPECT_FALSE(startup.is_up());
  startup.on_ready(1, 2);  // the other one has died meanwhile
  EXPECT_FALSE(startup.is_up());
  startup.on_ready(2, 2);
  EXPECT_TRUE(startup.is_up());
  startup.on_ready(1, 2);
  EXPECT_TRUE(startup.is_up()) << "for good";
}

TEST(Startup, FailsWhenEveryWorkerFailsAndNoneWasReady) {
  Startup startup;
  EXPECT_FALSE(startup.has_failed(Failures{1, 0}));
  EXPECT_TRUE(startup.has_failed(Failures{1, 1}));
}

TEST(Startup, GoesOnWhileSomebodyWasReady) {
  Startup startup;
  startup.on_ready(1, 2);
  EXPECT_FALSE(startup.has_failed(Failures{1, 1}));
}

TEST(Startup, FailsWhenOneSlotIsHopeless) {
  Startup startup;
  startup.on_ready(1, 2);
  EXPECT_FALSE(startup.has_failed(Failures{0, kMostStartFailures - 1}));
  EXPECT_TRUE(startup.has_failed(Failures{0, kMostStartFailures}));
}

TEST(Startup, CannotFailOnceItIsUp) {
  Startup startup;
  startup.skip();
  EXPECT_TRUE(startup.is_up());
  EXPECT_FALSE(startup.has_failed(Failures{99, 99}));
}

}  // namespace
}  // namespace tcp_echo::test
