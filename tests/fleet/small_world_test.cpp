// Random walks of a small world: whatever happens to its workers, in whatever order, nobody is left without
// somebody who accepts, and a stop is the end.
#include "fleet/small_world.hpp"

#include <gtest/gtest.h>

namespace tcp_echo::test {
namespace {

void take_steps(SmallWorld& world, std::size_t most) {
  for (std::size_t step = 0; step < most && world.complaint().empty(); ++step) world.step();
}

TEST(SmallWorld, EverySlotHasSomebodyWhoAcceptsOrWill) {
  take_walks(3000, [](Dice dice) {
    SmallWorld world(dice);
    take_steps(world, 1000);
    ASSERT_EQ(world.complaint(), "") << world.history();
  });
}

TEST(SmallWorld, IsServedInFullOnceNothingFailsAnyMore) {
  take_walks(10'000, [](Dice dice) {
    SmallWorld world(dice);
    take_steps(world, dice.below(100));
    world.expect_to_recover();
    ASSERT_EQ(world.complaint(), "") << world.history();
  });
}

TEST(SmallWorld, AStopEndsItFromWhereverItIs) {
  take_walks(10'000, [](Dice dice) {
    SmallWorld world(dice);
    take_steps(world, dice.below(100));
    world.expect_to_end();
    ASSERT_EQ(world.complaint(), "") << world.history();
  });
}

}  // namespace
}  // namespace tcp_echo::test
