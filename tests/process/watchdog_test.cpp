#include "tcp_echo/process/watchdog.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "support/hand_clock.hpp"
#include "tcp_echo/ipc/heartbeat.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

struct WatchdogTest : ::testing::Test {
  HandClock clock;
  std::vector<std::chrono::milliseconds> looks;
  Watchdog watchdog{clock, [this](auto since_last_look) { looks.push_back(since_last_look); }};
};

TEST_F(WatchdogTest, LooksAsOftenAsTheHeartbeatsCome) {
  watchdog.watch(800ms);
  clock.turn(3 * heartbeat_interval(800ms));
  EXPECT_EQ(looks, std::vector(3, heartbeat_interval(800ms)));
}

TEST_F(WatchdogTest, DoesNotLookIfItIsTurnedOff) {
  watchdog.watch(800ms);
  watchdog.watch(0ms);
  clock.turn(1min);
  EXPECT_TRUE(looks.empty());
}

TEST_F(WatchdogTest, FollowsAnotherConfigurationAtOnce) {
  watchdog.watch(80s);
  watchdog.watch(800ms);
  clock.turn(heartbeat_interval(800ms));
  EXPECT_EQ(looks.size(), 1U);
}

}  // namespace
}  // namespace tcp_echo::test
