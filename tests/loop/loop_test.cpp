#include "tcp_echo/loop/loop.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>

#include "tcp_echo/loop/timer.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

TEST(Loop, ReturnsWhenNothingIsLeftToWaitFor) {
  Loop loop;
  loop.run();
}

TEST(Loop, StopsInTheMiddle) {
  Loop loop;
  Timer soon(loop, [&] { loop.stop(); });
  Timer never(loop, [] { FAIL() << "the loop went on"; });
  soon.start(0ms);
  never.start(1h);
  loop.run();
  EXPECT_TRUE(never.is_running());
}

TEST(Loop, MayBeDestroyedAfterAStopThatNobodyConsumed) {
  auto loop = std::make_unique<Loop>();
  {
    const Timer timer(*loop, [] {});
  }
  loop->stop();
  loop.reset();
}

TEST(Loop, LetsHandlesThatWereClosedInTheLastTurnGo) {
  Loop loop;
  Timer timer(loop, [&] { loop.stop(); });
  timer.start(0ms);
  loop.run();
}

TEST(Loop, TimeStandsStillWithinATurn) {
  Loop loop;
  const auto now = loop.now();
  EXPECT_EQ(loop.now(), now);
}

TEST(Loop, TakesInOneTurnWhatIsDueAndWaitsForNothing) {
  Loop loop;
  int calls = 0;
  Timer due(loop, [&] { ++calls; });
  Timer never(loop, [] { FAIL() << "it waited"; });
  due.start(0ms);
  never.start(1h);
  loop.turn_once();
  EXPECT_EQ(calls, 1);
  loop.turn_once();
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(never.is_running());
}

TEST(Loop, LetsClosedHandlesGoInOneTurn) {
  Loop loop;
  {
    const Timer timer(loop, [] {});
  }
  EXPECT_NE(uv_loop_alive(loop.raw()), 0);
  loop.turn_once();
  EXPECT_EQ(uv_loop_alive(loop.raw()), 0);
}

TEST(UvError, SaysWhatWasAttemptedAndWhy) {
  const auto error = uv_error("create an event loop", UV_EMFILE);
  EXPECT_EQ(error.text, "create an event loop: Too many open files");
  EXPECT_EQ(error.code, ExitCode::kOsError);
}

TEST(UvError, OfMissingRightsIsNoPermission) {
  EXPECT_EQ(uv_error("start a worker", UV_EACCES).code, ExitCode::kNoPermission);
}

TEST(Handle, ThatLibuvNeverSawIsFreedAtOnce) {
  const Handle<uv_timer_t, int> handle(1);  // Valgrind and the address sanitizer watch
  EXPECT_EQ((Handle<uv_timer_t, int>::callback_of(handle.raw())), 1);
}

}  // namespace
}  // namespace tcp_echo::test
