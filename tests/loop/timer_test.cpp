#include "tcp_echo/loop/timer.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

TEST(Timer, RingsOnce) {
  Loop loop;
  int rings = 0;
  Timer timer(loop, [&] { ++rings; });
  timer.start(1ms);
  loop.run();
  EXPECT_EQ(rings, 1);
  EXPECT_FALSE(timer.is_running());
}

TEST(Timer, DoesNotRingTooEarly) {
  Loop loop;
  const auto start = loop.now();
  std::chrono::milliseconds rang{};
  Timer timer(loop, [&] { rang = loop.now(); });
  timer.start(20ms);
  loop.run();
  EXPECT_GE(rang - start, 20ms);
}

TEST(Timer, ANegativeDelayIsNone) {
  Loop loop;
  bool rang = false;
  Timer timer(loop, [&] { rang = true; });
  timer.start(-5ms);
  loop.run();
  EXPECT_TRUE(rang);
}

TEST(Timer, IsRunningOnlyBetweenStartAndRing) {
  Loop loop;
  Timer timer(loop, [&] { EXPECT_FALSE(timer.is_running()); });
  EXPECT_FALSE(timer.is_running());
  timer.start(0ms);
  EXPECT_TRUE(timer.is_running());
  loop.run();
}

TEST(Timer, ThatWasStoppedDoesNotRing) {
  Loop loop;
  Timer timer(loop, [] { FAIL(); });
  timer.start(0ms);
  timer.stop();
  loop.run();
  EXPECT_FALSE(timer.is_running());
}

TEST(Timer, StartedAgainForgetsItsFirstTime) {
  Loop loop;
  std::vector<char> order;
  Timer moved(loop, [&] { order.push_back('m'); });
  Timer other(loop, [&] { order.push_back('o'); });
  moved.start(0ms);
  other.start(1ms);
  moved.start(5ms);
  loop.run();
  EXPECT_EQ(order, (std::vector{'o', 'm'}));
}

TEST(Timer, StartedWithinATimeRingsAtTheEarlierOne) {
  Loop loop;
  std::vector<char> order;
  Timer hurried(loop, [&] { order.push_back('h'); });
  Timer other(loop, [&] { order.push_back('o'); });
  Timer unhurried(loop, [&] { order.push_back('u'); });
  hurried.start(50ms);
  other.start(5ms);
  unhurried.start_within(10ms);
  hurried.start_within(1ms);
  hurried.start_within(50ms);
  loop.run();
  EXPECT_EQ(order, (std::vector{'h', 'o', 'u'}));
}

TEST(Timer, MayStartItselfWhileItRings) {
  Loop loop;
  int rings = 0;
  Timer timer(loop, [&] {
    if (++rings < 3) timer.start(1ms);
  });
  timer.start(1ms);
  loop.run();
  EXPECT_EQ(rings, 3);
}

TEST(Timer, MayBeDestroyedInItsOwnCallback) {
  Loop loop;
  bool rang = false;
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(loop, [&rang, &timer] {
    timer.reset();
    rang = true;  // the captures must still be alive
  });
  timer->start(0ms);
  loop.run();
  EXPECT_TRUE(rang);
}

TEST(Timer, MayBeDestroyedWhileItRuns) {
  Loop loop;
  auto timer = std::make_unique<Timer>(loop, [] { FAIL(); });
  timer->start(0ms);
  timer.reset();
  loop.run();
}

}  // namespace
}  // namespace tcp_echo::test
