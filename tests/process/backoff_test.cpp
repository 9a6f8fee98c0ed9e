#include "tcp_echo/process/backoff.hpp"

#include <gtest/gtest.h>

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kMin = 100ms;
constexpr auto kMax = 1s;

TEST(Backoff, StartsAnotherAtOnceAfterTheFirstFailureOfOneThatServed) {
  Backoff backoff(kMin, kMax);
  EXPECT_EQ(backoff.after_failure(1ms), 0ms);
  EXPECT_EQ(backoff.failures_in_a_row(), 1U);
}

TEST(Backoff, WaitsTheMinimumForOneThatNeverServed) {
  Backoff backoff(kMin, kMax);
  EXPECT_EQ(backoff.after_failure(0ms), kMin);
}

TEST(Backoff, DoublesUntilTheMaximum) {
  Backoff backoff(kMin, kMax);
  backoff.after_failure(1ms);
  for (const auto expected : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms})
    EXPECT_EQ(backoff.after_failure(1ms), expected);
}

TEST(Backoff, CountsOneThatNeverServedLikeACrash) {
  Backoff backoff(kMin, kMax);
  backoff.after_failure(1ms);
  for (const auto expected : {100ms, 200ms, 400ms}) EXPECT_EQ(backoff.after_failure(0ms), expected);
}

TEST(Backoff, BeginsAnewAfterStableService) {
  Backoff backoff(kMin, kMax);
  for (int i = 0; i < 5; ++i) backoff.after_failure(1ms);
  EXPECT_EQ(backoff.after_failure(kStableService), 0ms);
  EXPECT_EQ(backoff.failures_in_a_row(), 1U);
  EXPECT_EQ(backoff.after_failure(1ms), kMin);
}

TEST(Backoff, GoesOnAfterServiceThatWasNotStable) {
  Backoff backoff(kMin, kMax);
  backoff.after_failure(1ms);
  backoff.after_failure(1ms);
  EXPECT_EQ(backoff.after_failure(kStableService - 1ms), 200ms);
}

TEST(Backoff, StaysAtTheMaximumForEver) {
  Backoff backoff(1ms, 24h);
  for (int i = 0; i < 10'000; ++i) backoff.after_failure(0ms);
  EXPECT_EQ(backoff.after_failure(0ms), 24h);
}

TEST(Backoff, WithEqualBoundsIsConstant) {
  Backoff backoff(kMin, kMin);
  backoff.after_failure(1ms);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(backoff.after_failure(1ms), kMin);
}

}  // namespace
}  // namespace tcp_echo::test
