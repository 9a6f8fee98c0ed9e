#include "tcp_echo/base/processor_time.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "support/wait.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

TEST(ProcessorTime, HasTheTimeWaitedFromTheSecondNumber) {
  EXPECT_EQ(waited_time("1000 234 7\n"), 234ns);
  EXPECT_EQ(waited_time("0 0 0"), 0ns);
}

TEST(ProcessorTime, IsNotReadFromAnythingElse) {
  for (const auto* const line : {"", "12", "12 ", "12 x"}) EXPECT_EQ(waited_time(line), 0ns) << line;
}

/// Works until that much more time is booked.
bool works_up(const ProcessorClock& clock, std::chrono::nanoseconds more) {
  const auto before = clock.read().used;
  return eventually([&] { return clock.read().used - before >= more; });
}

TEST(ProcessorClock, GoesOnWithWork) { EXPECT_TRUE(works_up(ProcessorClock(), 10ms)); }

TEST(ProcessorClock, DoesWithoutTheFile) {
  const ProcessorClock clock("/nowhere/schedstat");
  EXPECT_TRUE(works_up(clock, 10ms));
  EXPECT_EQ(clock.read().waited, 0ns);
}

}  // namespace
}  // namespace tcp_echo::test
