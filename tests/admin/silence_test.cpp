#include "admin/silence.hpp"

#include <gtest/gtest.h>

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

TEST(Silence, LastsUntilTheMasterAnswers) {
  Silence silence;
  silence.begin(1000ms, 500ms);
  EXPECT_EQ(silence.length(), 0ms);
  for (auto now = 1500ms; now <= 3000ms; now += 500ms) silence.look(now);
  EXPECT_EQ(silence.length(), 2s);
  silence.end();
  EXPECT_EQ(silence.length(), 0ms);
  silence.look(3500ms);
  EXPECT_EQ(silence.length(), 500ms);
}

TEST(Silence, IsNotTheTimeInWhichThisProcessDidNotRunEither) {
  Silence silence;
  silence.begin(1000ms, 500ms);
  silence.look(1h);
  EXPECT_EQ(silence.length(), 1s);
  silence.look(1h + 500ms);
  EXPECT_EQ(silence.length(), 1500ms);
}

}  // namespace
}  // namespace tcp_echo::test
