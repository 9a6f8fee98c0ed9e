#include "fleet/lending.hpp"

#include "support/household.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

struct LendingTest : HouseholdTest {
  LendingTest() { lending.grow_to(kSlots); }

  Lending lending{clock, crew};
};

TEST_F(LendingTest, LendsTheListenersOfASlotInNeedToAWorkerThatServes) {
  auto& neighbour = let_serve(1);
  crew.need_borrower(0, true);
  lending.settle();
  EXPECT_EQ(neighbour.last<LendMessage>().slot, 1U);
  EXPECT_EQ(neighbour.last_descriptors(), 1U);
  EXPECT_EQ(neighbour.last<LendMessage>().listeners, std::vector<ListenerId>{1});
  EXPECT_EQ(lending.borrower_of(0), 1U);
  lending.settle();
  EXPECT_EQ(neighbour.count<LendMessage>(), 1U) << "once is enough";
}

TEST_F(LendingTest, TakesThemBackWhenTheSlotIsServedAgain) {
  auto& neighbour = let_serve(1);
  crew.need_borrower(0, true);
  lending.settle();
  crew.need_borrower(0, false);
  lending.settle();
  EXPECT_EQ(neighbour.last<TakeBackMessage>().slot, 1U);
  EXPECT_EQ(lending.borrower_of(0), std::nullopt);
}

TEST_F(LendingTest, WaitsForAWorkerThatServes) {
  crew.need_borrower(0, true);
  lending.settle();
  EXPECT_FALSE(clock.turn_to_next()) << "there is nothing to try";
  auto& neighbour = let_serve(2);
  lending.settle();
  EXPECT_TRUE(neighbour.was_told<LendMessage>());
}

TEST_F(LendingTest, TriesAgainWhenTheBorrowerCannotBeTold) {
  auto& neighbour = let_serve(1);
  neighbour.be_deaf(true);
  crew.need_borrower(0, true);
  lending.settle();
  EXPECT_EQ(lending.borrower_of(0), std::nullopt);
  EXPECT_EQ(log.lines_with("cannot be lent"), 1U);
  neighbour.be_deaf(false);
  EXPECT_TRUE(clock.turn_to_next());
  EXPECT_TRUE(neighbour.was_told<LendMessage>());
  EXPECT_EQ(lending.borrower_of(0), 1U);
}

TEST_F(LendingTest, TriesAgainToTakeBack) {
  auto& neighbour = let_serve(1);
  crew.need_borrower(0, true);
  lending.settle();
  crew.need_borrower(0, false);
  neighbour.be_deaf(true);
  lending.settle();
  EXPECT_EQ(lending.borrower_of(0), 1U) << "it accepts for the slot as long as it does not know better";
  neighbour.be_deaf(false);
  EXPECT_TRUE(clock.turn_to_next());
  EXPECT_TRUE(neighbour.was_told<TakeBackMessage>());
  EXPECT_EQ(lending.borrower_of(0), std::nullopt);
}

TEST_F(LendingTest, DoesNotAskAWorkerThatSpeaksAnotherVersion) {
  auto& foreigner = let_serve(1);
  foreigner.speak_another_version();
  crew.need_borrower(0, true);
  lending.settle();
  EXPECT_EQ(lending.borrower_of(0), std::nullopt);
  EXPECT_FALSE(foreigner.was_told<LendMessage>());
}

TEST_F(LendingTest, AsksAnotherOneAfterARefusalAndTheSameOneLater) {
  auto& full = let_serve(1);
  crew.need_borrower(0, true);
  lending.settle();
  EXPECT_TRUE(lending.on_refused(0, 1, worker(1)));
  EXPECT_TRUE(full.was_told<TakeBackMessage>()) << "the refusal may be that of an earlier loan";
  lending.settle();
  EXPECT_EQ(lending.borrower_of(0), std::nullopt) << "it is not asked again at once";
  let_serve(2);
  lending.settle();
  EXPECT_EQ(lending.borrower_of(0), 2U);
  EXPECT_TRUE(lending.on_refused(0, 2, worker(2)));
  clock.turn(2s);
  EXPECT_TRUE(lending.borrower_of(0).has_value());
}

TEST_F(LendingTest, DoesNotBlameAWorkerForWhatItsFormerOneRefused) {
  let_serve(1);
  crew.need_borrower(0, true);
  lending.settle();
  EXPECT_TRUE(lending.on_refused(0, 1, worker(1)));
  auto& next = let_serve(1);
  lending.settle();
  EXPECT_TRUE(next.was_told<LendMessage>());
}

TEST_F(LendingTest, LendsAnewWhatHasGrownSinceItCouldNotBeTakenBack) {
  auto& neighbour = let_serve(1);
  crew.need_borrower(0, true);
  lending.settle();
  neighbour.be_deaf(true);
  crew.need_borrower(0, false);  // it got a worker, at one address more
  auto& generation = crew.generation();
  generation.config = config_for({"127.0.0.1:0", "127.0.0.2:0"});
  generation.listeners = value_or_throw(generation.listeners.changed_to(generation.config, kSlots));
  lending.settle();
  crew.need_borrower(0, true);
  lending.settle();
  EXPECT_EQ(neighbour.count<LendMessage>(), 1U);
  neighbour.be_deaf(false);
  EXPECT_TRUE(clock.turn_to_next());
  EXPECT_EQ(neighbour.count<TakeBackMessage>(), 1U);
  EXPECT_EQ(neighbour.count<LendMessage>(), 2U);
  EXPECT_EQ(neighbour.last_descriptors(), 2U);
  EXPECT_FALSE(clock.turn_to_next()) << "all is settled";
}

TEST_F(LendingTest, PassesOverRefusalsThatAreNobodysConcern) {
  let_serve(1);
  EXPECT_FALSE(lending.on_refused(0, 1, worker(1))) << "nothing was lent";
  EXPECT_FALSE(lending.on_refused(99, 1, worker(1))) << "no such slot";
}

TEST_F(LendingTest, LendsToThePlacesNextWorkerWhatItsFormerOneHadBorrowed) {
  let_serve(1);
  crew.need_borrower(0, true);
  lending.settle();
  lending.forget_borrower(1);
  auto& next = let_serve(1);
  lending.settle();
  EXPECT_TRUE(next.was_told<LendMessage>());
}

TEST_F(LendingTest, LeavesASlotAloneThatHasNoListeners) {
  let_serve(1);
  lending.grow_to(kSlots);
  crew.need_borrower(0, true);
  crew.generation().listeners = ListenerSet::restore({}, false);
  lending.settle();
  EXPECT_EQ(lending.borrower_of(0), std::nullopt);
}

TEST_F(LendingTest, LeavesInheritedListenersAloneForAllSlotsShareThem) {
  let_serve(1);
  crew.need_borrower(0, true);
  crew.generation().listeners = ListenerSet::restore(crew.generation().listeners.addresses(), true);
  lending.settle();
  EXPECT_EQ(lending.borrower_of(0), std::nullopt);
}

TEST_F(LendingTest, GoesOnFromWhatAnotherProgramHasLeft) {
  auto& neighbour = let_serve(1);
  lending.restore(0, 1);
  lending.settle_soon();
  clock.turn(1s);
  EXPECT_TRUE(neighbour.was_told<TakeBackMessage>());
}

TEST_F(LendingTest, EndsWithTheServiceButForSingleLoans) {
  auto& neighbour = let_serve(1);
  crew.need_borrower(0, true);
  lending.end();
  lending.settle();
  EXPECT_FALSE(neighbour.was_told<LendMessage>());
  EXPECT_TRUE(lending.lend(0, 1, worker(1)));
  EXPECT_EQ(lending.borrower_of(0), 1U);
  neighbour.be_deaf(true);
  EXPECT_FALSE(lending.lend(2, 1, worker(1)));
  EXPECT_EQ(lending.borrower_of(2), std::nullopt);
}

}  // namespace
}  // namespace tcp_echo::test
