#include "tcp_echo/load/schedule.hpp"

#include <gtest/gtest.h>

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

const Schedule::Time kBegin{1h};

TEST(Schedule, HasItsFirstMessageAtItsBeginning) {
  const Schedule schedule(kBegin, 100);
  EXPECT_EQ(schedule.time_of(0), kBegin);
  EXPECT_EQ(schedule.time_of(1), kBegin + 10ms);
  EXPECT_EQ(schedule.time_of(250), kBegin + 2500ms);
}

TEST(Schedule, CountsWhatIsDueBeforeATimeAndNotAtIt) {
  const Schedule schedule(kBegin, 100);
  EXPECT_EQ(schedule.due_before(kBegin - 1h), 0U);
  EXPECT_EQ(schedule.due_before(kBegin), 0U);
  EXPECT_EQ(schedule.due_before(kBegin + 1ns), 1U);
  EXPECT_EQ(schedule.due_before(kBegin + 10ms), 1U);
  EXPECT_EQ(schedule.due_before(kBegin + 10ms + 1ns), 2U);
}

TEST(Schedule, CountsByTheVeryTimesThatItGivesWhateverTheRate) {
  for (const double rate : {1e-6, 0.3, 1.0, 3.0, 7.77, 1e3, 333'333.3, 1e7, 1e9}) {
    const Schedule schedule(kBegin, rate);
    for (const std::uint64_t number : {1ULL, 2ULL, 3ULL, 1000ULL, 999'983ULL, 123'456'789ULL}) {
      constexpr double kSecondsOfAYear = 365 * 86'400;  // a run is never so long
      if (static_cast<double>(number) / rate > kSecondsOfAYear) continue;
      const auto due = schedule.time_of(number);
      const auto before = schedule.due_before(due);
      EXPECT_LE(before, number) << rate;
      EXPECT_EQ(schedule.time_of(before), due) << rate << ' ' << number;
      EXPECT_LT(schedule.time_of(before - 1), due) << rate << ' ' << number;
      EXPECT_GT(schedule.due_before(due + 1ns), number) << rate << ' ' << number;
    }
  }
}

}  // namespace
}  // namespace tcp_echo::test
