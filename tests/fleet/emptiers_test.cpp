#include "fleet/emptiers.hpp"

#include <gtest/gtest.h>

namespace tcp_echo::test {
namespace {

using Slots = std::vector<std::size_t>;

TEST(Emptiers, HaveWhatIsExpectedAndNobodysTask) {
  Emptiers emptiers;
  emptiers.expect(2);
  emptiers.expect(0);
  emptiers.expect(1);
  emptiers.assign(1, 0);
  EXPECT_EQ(emptiers.unassigned(), (Slots{0, 2}));
}

TEST(Emptiers, ThatDieLeaveTheirTasksToOthers) {
  Emptiers emptiers;
  for (std::size_t slot = 0; slot < 3; ++slot) emptiers.expect(slot);
  emptiers.assign(0, 0);
  emptiers.assign(1, 0);
  emptiers.assign(2, 2);
  emptiers.on_gone(0);
  EXPECT_EQ(emptiers.unassigned(), (Slots{0, 1}));
}

TEST(Emptiers, ThatDieAfterwardsLeaveNothing) {
  Emptiers emptiers;
  emptiers.expect(0);
  emptiers.expect(1);
  emptiers.assign(0, 1);
  emptiers.assign(1, 1);
  emptiers.on_emptied(1);
  emptiers.on_gone(1);
  EXPECT_TRUE(emptiers.unassigned().empty());
  emptiers.assign(0, 0);
  emptiers.on_gone(0);
  EXPECT_TRUE(emptiers.unassigned().empty()) << "what is empty stays so";
}

TEST(Emptiers, ThatCannotTakeOneKeepTheOthers) {
  Emptiers emptiers;
  emptiers.expect(0);
  emptiers.expect(1);
  emptiers.assign(0, 0);
  emptiers.assign(1, 0);
  emptiers.release(1, 0);
  EXPECT_EQ(emptiers.unassigned(), Slots{1});
  emptiers.assign(1, 1);
  emptiers.release(1, 0);
  EXPECT_TRUE(emptiers.unassigned().empty()) << "it is another one's by now";
}

}  // namespace
}  // namespace tcp_echo::test
