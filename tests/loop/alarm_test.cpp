#include "tcp_echo/loop/alarm.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

#include "support/wait.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

TEST(Alarm, RingsOnceAndNotTooEarly) {
  Loop loop;
  std::vector<steady_clock::time_point> rings;
  Alarm alarm(loop, [&] {
    rings.push_back(steady_clock::now());
    loop.stop();
  });
  const auto due = steady_clock::now() + 1300us;
  alarm.set(due);
  loop.run();
  loop.turn_once();
  ASSERT_EQ(rings.size(), 1U);
  EXPECT_GE(rings.front(), due);
}

TEST(Alarm, RingsAtOnceIfTheTimeIsOver) {
  Loop loop;
  int rings = 0;
  Alarm alarm(loop, [&] {
    ++rings;
    loop.stop();
  });
  alarm.set(steady_clock::now() - 1h);
  loop.run();
  alarm.set({});
  loop.run();
  EXPECT_EQ(rings, 2);
}

TEST(Alarm, AnotherTimeReplacesTheFirst) {
  Loop loop;
  std::optional<Alarm> late;
  bool early_rang = false;
  Alarm alarm(loop, [&] { early_rang = true; });
  late.emplace(loop, [&] { loop.stop(); });
  alarm.set(steady_clock::now() + 1ms);
  alarm.set(steady_clock::now() + 1h);
  late->set(steady_clock::now() + 10ms);
  loop.run();
  EXPECT_FALSE(early_rang);
}

TEST(Alarm, IsSilentOnceItIsStopped) {
  Loop loop;
  bool rang = false;
  Alarm alarm(loop, [&] { rang = true; });
  Alarm end(loop, [&] { loop.stop(); });
  alarm.set(steady_clock::now() - 1ms);  // due already
  alarm.stop();
  end.set(steady_clock::now() + 5ms);
  loop.run();
  EXPECT_FALSE(rang);
}

TEST(Alarm, MayBeSetAnewWhileItRings) {
  Loop loop;
  int rings = 0;
  std::optional<Alarm> alarm;
  alarm.emplace(loop, [&] {
    if (++rings < 3) return alarm->set(steady_clock::now() + 100us);
    loop.stop();
  });
  alarm->set(steady_clock::now());
  loop.run();
  EXPECT_EQ(rings, 3);
}

TEST(Alarm, ThatAnotherStopsInTheSameTurnIsSilent) {
  Loop loop;
  int rings = 0;
  std::vector<std::unique_ptr<Alarm>> alarms;
  alarms.reserve(3);
  for (int i = 0; i < 3; ++i) {
    alarms.push_back(std::make_unique<Alarm>(loop, [&] {
      ++rings;
      alarms[0]->stop();
      alarms[1]->set(steady_clock::now() + 1h);
      alarms[2]->stop();
    }));
  }
  for (const auto& alarm : alarms) alarm->set(steady_clock::now() - 1ms);
  EXPECT_TRUE(turn_until(loop, [&] { return rings > 0; }));
  for (int i = 0; i < 3; ++i) turn(loop);
  EXPECT_EQ(rings, 1);
}

TEST(Alarm, MayBeDestroyedWhileItRuns) {
  Loop loop;
  std::optional<Alarm> alarm;
  alarm.emplace(loop, [] { FAIL(); });
  alarm->set(steady_clock::now());
  alarm.reset();
  loop.run();
}

TEST(Alarm, TakesTheEndOfTimeForATime) {
  Loop loop;
  bool rang = false;
  Alarm never(loop, [&] { rang = true; });
  Alarm end(loop, [&] { loop.stop(); });
  never.set(Alarm::Time::max());
  end.set(steady_clock::now() + 5ms);
  loop.run();
  EXPECT_FALSE(rang);
}

}  // namespace
}  // namespace tcp_echo::test
