// Where a worker accepts: for its own slot, and for others.
#include "support/full_epoll.hpp"
#include "worker/desks_support.hpp"

namespace tcp_echo::test {
namespace {

using ::testing::HasSubstr;

TEST_F(DesksTest, AcceptForTheirOwnSlotOnceTheyAreOpen) {
  auto early = own.client();
  expect_waits(early);
  open();
  expect_served(early);
  auto later = own.client();
  expect_served(later);
}

TEST_F(DesksTest, AcceptOnEveryListenerOfTheSlot) {
  desks.open(table, kOwnSlot, listeners(own.lend(), neighbours.lend()), {});
  auto one = own.client();
  auto other = neighbours.client();
  expect_served(one);
  expect_served(other);
}

TEST_F(DesksTest, DoNotOpenOnWhatIsNoSocket) {
  EXPECT_THROW(desks.open(table, kOwnSlot, listeners(no_socket()), {}), FatalError);
}

TEST_F(DesksTest, HoldStillInACandidateUntilItIsCertainThatItIsNeeded) {
  open({.waits = true});
  auto client = own.client();
  expect_waits(client);
  desks.begin_to_accept();
  expect_served(client);
}

TEST_F(DesksTest, BeginOnlyOnce) {
  open({.waits = true});
  desks.begin_to_accept();
  desks.hold();
  desks.begin_to_accept();
  auto client = own.client();
  expect_waits(client);
}

TEST_F(DesksTest, LeaveWhoWaitsToOthersWhenTheyAreHeld) {
  open();
  auto served = own.client();
  expect_served(served);
  desks.hold();
  auto late = own.client();
  expect_waits(late);
  expect_served(served);
}

TEST_F(DesksTest, HearOutWhoWasAcceptedBehindAClosedDoorWhenTheyAreHeld) {
  open();
  auto client = client_behind_a_closed_door();
  desks.hold();
  expect_served(client);
}

TEST_F(DesksTest, CloseTheirListenersWhenTheyLetGo) {
  desks.open(table, kOwnSlot, listeners(own.give_away()), {});
  auto client = own.client();
  expect_served(client);
  EXPECT_FALSE(own.is_free());
  desks.let_go();
  EXPECT_TRUE(own.is_free());
  expect_served(client);
}

struct DesksThatAreLent : DesksTest {
  DesksThatAreLent() { open(); }
  Result<void> lend() { return desks.lend(kNeighbour, listeners(neighbours.lend())); }
  void expect_only_the_own_is_open() {
    auto waits = neighbours.client();
    expect_waits(waits);
    auto served = own.client();
    expect_served(served);
  }
};

TEST_F(DesksThatAreLent, TakeWhoWaitsForTheOtherSlot) {
  auto waited = neighbours.client();
  expect_waits(waited);
  EXPECT_TRUE(lend());
  expect_served(waited);
  EXPECT_EQ(listener_of_newest(), kListener);
  auto of_own = own.client();
  expect_served(of_own);
}

TEST_F(DesksThatAreLent, ServeOnWhomTheyTookAndLeaveTheRestWhenTheyAreTakenBack) {
  EXPECT_TRUE(lend());
  auto taken = neighbours.client();
  expect_served(taken);
  desks.take_back(kNeighbour);
  expect_only_the_own_is_open();
  expect_served(taken);
}

TEST_F(DesksThatAreLent, MayBeLentAgain) {
  EXPECT_TRUE(lend());
  desks.take_back(kNeighbour);
  auto waited = neighbours.client();
  expect_waits(waited);
  EXPECT_TRUE(lend());
  expect_served(waited);
}

TEST_F(DesksThatAreLent, AreAllTakenBackAtOnceThoughLentTwice) {
  EXPECT_TRUE(lend());
  EXPECT_TRUE(lend());
  auto taken = neighbours.client();
  expect_served(taken);
  desks.take_back(kNeighbour);
  expect_only_the_own_is_open();
}

TEST_F(DesksThatAreLent, StayWhenOfAnotherSlotOrOfNoneIsTakenBack) {
  EXPECT_TRUE(lend());
  constexpr unsigned kUnknown = 7;
  desks.take_back(kUnknown);
  auto client = neighbours.client();
  expect_served(client);
}

TEST_F(DesksThatAreLent, RefuseListenersThatGotLostOnTheirWay) {
  const auto lent = desks.lend(kNeighbour, {});
  ASSERT_FALSE(lent);
  EXPECT_EQ(lent.error().text, "the open-files limit is reached");
  expect_only_the_own_is_open();
}

TEST_F(DesksThatAreLent, RefuseAllListenersWhenOneIsNoSocket) {
  const auto lent = desks.lend(kNeighbour, listeners(neighbours.lend(), no_socket()));
  ASSERT_FALSE(lent);
  EXPECT_THAT(lent.error().text, HasSubstr("getsockname"));
  expect_only_the_own_is_open();
}

TEST_F(DesksThatAreLent, AreRefusedWhenTheKernelHasNoRoomForTheirPoll) {
  auto served = own.client();
  expect_served(served);  // by now libuv has had its own descriptors added
  {
    const FullEpoll full;
    EXPECT_FALSE(lend());
  }
  expect_only_the_own_is_open();
}

// The master then believes that nobody accepts for the slot.
TEST_F(DesksThatAreLent, AreGoneWhenASecondLoanOfTheirSlotIsRefused) {
  EXPECT_TRUE(lend());
  EXPECT_FALSE(desks.lend(kNeighbour, {}));
  expect_only_the_own_is_open();
}

TEST_F(DesksThatAreLent, AreHeldWithTheOthers) {
  EXPECT_TRUE(lend());
  desks.hold();
  auto waits = neighbours.client();
  expect_waits(waits);
}

TEST_F(DesksTest, HoldStillInACandidateWhenTheyAreLent) {
  open({.waits = true});
  EXPECT_TRUE(desks.lend(kNeighbour, listeners(neighbours.lend())));
  auto client = neighbours.client();
  expect_waits(client);
  desks.begin_to_accept();
  expect_served(client);
}

}  // namespace
}  // namespace tcp_echo::test
