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
  Ground ground;
  take_walks(250, [&ground](Dice dice) {
    SmallWorld world(ground, dice);
    take_steps(world, 300);
    ASSERT_EQ(world.complaint(), "") << world.history();
  });
}

TEST(SmallWorld, IsServedInFullOnceNothingFailsAnyMore) {
  Ground ground;
  take_walks(1200, [&ground](Dice dice) {
    SmallWorld world(ground, dice);
    take_steps(world, dice.below(100));
    world.expect_to_recover();
    ASSERT_EQ(world.complaint(), "") << world.history();
  });
}

TEST(SmallWorld, AStopEndsItFromWhereverItIs) {
  Ground ground;
  take_walks(1200, [&ground](Dice dice) {
    SmallWorld world(ground, dice);
    take_steps(world, dice.below(100));
    world.expect_to_end();
    ASSERT_EQ(world.complaint(), "") << world.history();
  });
}

}  // namespace
}  // namespace tcp_echo::test
