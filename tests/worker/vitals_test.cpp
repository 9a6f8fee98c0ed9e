#include "worker/vitals.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

TEST(Vitals, ShowByHowMuchTheLoopWasLate) {
  WorkerCounters counters;
  Vitals vitals(counters, 100s);
  vitals.look(100s + 250us, 100s);
  EXPECT_EQ(counters.lag_microseconds.get(), 250U);
  vitals.look(100s + 400us, 100s + 500us);
  EXPECT_EQ(counters.lag_microseconds.get(), 0U) << "early by the clock's grain is not late";
}

TEST(Vitals, AreBusyNoMoreThanThereIsTime) {
  WorkerCounters counters;
  // A clock that stands still while this process works: the ratio cannot be above 1 all the same.
  Vitals vitals(counters, 0ns);
  const auto begin = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begin < 20ms) {
  }
  vitals.look(Vitals::kShortest, 0ns);
  EXPECT_GT(counters.busy_nanoseconds.get(), 0U);
  EXPECT_LE(counters.busy_nanoseconds.get(), counters.watched_nanoseconds.get());
  EXPECT_LE(counters.busy_permille.get(), 1000U);
  EXPECT_EQ(counters.watched_nanoseconds.get(), 1'000'000'000U);
}

TEST(Vitals, WaitForAStretchOfTimeThatIsLongEnough) {
  WorkerCounters counters;
  Vitals vitals(counters, 0ns);
  vitals.look(Vitals::kShortest - 1ns, 0ns);
  EXPECT_EQ(counters.watched_nanoseconds.get(), 0U);
  vitals.look(Vitals::kShortest, 0ns);
  EXPECT_EQ(counters.watched_nanoseconds.get(), 1'000'000'000U);
}

TEST(Vitals, TellOfALimitOnceInAWhile) {
  WorkerCounters counters;
  Vitals vitals(counters, 0ns);
  EXPECT_FALSE(vitals.limit_to_tell(0s));
  counters.accepted.add(5);
  counters.errors_for(AcceptError::kDescriptors).add(1);
  const LimitMessage expected{static_cast<std::uint8_t>(AcceptError::kDescriptors), 5};
  EXPECT_EQ(vitals.limit_to_tell(1s), expected);
  counters.errors_for(AcceptError::kDescriptors).add(1);
  EXPECT_FALSE(vitals.limit_to_tell(2s));
  EXPECT_EQ(vitals.limit_to_tell(1s + Vitals::kTellAtMostEvery), expected);
  EXPECT_FALSE(vitals.limit_to_tell(1h)) << "it has not been reached again";
}

TEST(Vitals, TellOfNoLimitWhenAClientWasGoneBeforeItWasAccepted) {
  WorkerCounters counters;
  Vitals vitals(counters, 0ns);
  counters.errors_for(AcceptError::kAborted).add(1);
  EXPECT_FALSE(vitals.limit_to_tell(1s));
}

}  // namespace
}  // namespace tcp_echo::test
