#include "tcp_echo/process/heartbeat_watch.hpp"

#include <gtest/gtest.h>

#include "tcp_echo/ipc/heartbeat.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kWatchdog = 1000ms;
constexpr auto kInterval = heartbeat_interval(kWatchdog);

/// How long the count has to stand still until the watch says so, looked at in intervals.
std::chrono::milliseconds time_until_hung(HeartbeatWatch& watch, std::uint64_t heartbeats) {
  std::chrono::milliseconds time{};
  while (!watch.is_hung(heartbeats, kInterval) && time < 100 * kWatchdog) time += kInterval;
  return time;
}

TEST(HeartbeatWatch, SeesOneWhoseCountStandsStill) {
  HeartbeatWatch watch(kWatchdog);
  watch.is_hung(1, kInterval);
  const auto time = time_until_hung(watch, 1);
  EXPECT_GE(time, kWatchdog);
  EXPECT_LE(time, kWatchdog + 2 * kInterval);
}

TEST(HeartbeatWatch, SeesNobodyWithoutAWatchdogForNoHeartbeatsAreCounted) {
  HeartbeatWatch watch(0ms);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(watch.is_hung(0, 1h));
}

TEST(HeartbeatWatch, IsContentWithOneThatBeatsNowAndThen) {
  HeartbeatWatch watch(kWatchdog);
  for (std::uint64_t look = 0; look < 1000; ++look) EXPECT_FALSE(watch.is_hung(1 + look / 8, kInterval));
}

TEST(HeartbeatWatch, BeginsAnewWithEveryHeartbeat) {
  HeartbeatWatch watch(kWatchdog);
  time_until_hung(watch, 1);
  EXPECT_FALSE(watch.is_hung(2, kInterval));
  EXPECT_GE(time_until_hung(watch, 2), kWatchdog);
}

TEST(HeartbeatWatch, DoesNotCountTheTimeInWhichTheMasterStoodStill) {
  HeartbeatWatch watch(kWatchdog);
  watch.is_hung(1, kInterval);
  EXPECT_FALSE(watch.is_hung(1, 24h)) << "^Z, a paused container: the worker stood still as well";
  EXPECT_GE(time_until_hung(watch, 1), kWatchdog / 2) << "and has time to show that it is alive";
}

TEST(Heartbeat, ComesSeveralTimesWithinTheWatchdogButNotAllTheTime) {
  EXPECT_EQ(heartbeat_interval(5s), 625ms);
  EXPECT_EQ(heartbeat_interval(1h), 1s);
  EXPECT_EQ(heartbeat_interval(1ms), 10ms);
}

}  // namespace
}  // namespace tcp_echo::test
