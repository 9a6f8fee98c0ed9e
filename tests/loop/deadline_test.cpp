#include "tcp_echo/loop/deadline.hpp"

#include <gtest/gtest.h>

#include "support/hand_clock.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

struct DeadlineTest : ::testing::Test {
  HandClock clock;
  int passed = 0;
  Deadline deadline{clock, [this] { ++passed; }};
};

TEST_F(DeadlineTest, PassesAfterASecondLook) {
  deadline.start(100ms);
  clock.turn(100ms + kSecondLook - 1ms);
  EXPECT_EQ(passed, 0);
  EXPECT_TRUE(deadline.is_running());
  EXPECT_FALSE(deadline.has_passed());
  clock.turn(1ms);
  EXPECT_EQ(passed, 1);
  EXPECT_FALSE(deadline.is_running());
  EXPECT_TRUE(deadline.has_passed());
}

TEST_F(DeadlineTest, DoesNotPassIfItIsStoppedBetweenTheTwoLooks) {
  deadline.start(100ms);
  clock.turn(100ms);
  deadline.stop();
  clock.turn(1s);
  EXPECT_EQ(passed, 0);
  EXPECT_FALSE(deadline.has_passed());
}

TEST_F(DeadlineTest, StartedAgainLooksTwiceAgain) {
  deadline.start(100ms);
  clock.turn(100ms);
  deadline.start(100ms);
  clock.turn(100ms);
  EXPECT_EQ(passed, 0);
  clock.turn(kSecondLook);
  EXPECT_EQ(passed, 1);
}

TEST_F(DeadlineTest, ThatIsSaidToHavePassedCallsNobody) {
  deadline.start(100ms);
  deadline.pass();
  EXPECT_TRUE(deadline.has_passed());
  clock.turn(1s);
  EXPECT_EQ(passed, 0);
  deadline.stop();
  EXPECT_FALSE(deadline.has_passed());
}

TEST_F(DeadlineTest, MayBeStartedAgainAsItPasses) {
  Deadline again(clock, [&] {
    if (++passed < 3) again.start(10ms);
  });
  again.start(10ms);
  clock.turn(1s);
  EXPECT_EQ(passed, 3);
  EXPECT_TRUE(again.has_passed());
}

}  // namespace
}  // namespace tcp_echo::test
