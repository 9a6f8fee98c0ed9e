// Where a worker accepts until nobody waits: addresses that are removed, the end, and limits.
#include <deque>

#include "worker/desks_support.hpp"

namespace tcp_echo::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Own desk open; the neighbour's address is served no more.
struct DesksThatClear : DesksTest {
  static constexpr std::uint32_t kNumber = 5;
  DesksThatClear() { open(); }
  Site another;
};

TEST_F(DesksThatClear, TakeWhoWaitsAndThenCloseTheListener) {
  auto waited = neighbours.client();
  EXPECT_TRUE(desks.clear(kNumber, listeners(neighbours.give_away())));
  EXPECT_FALSE(desks.has_nothing_to_empty());
  EXPECT_FALSE(neighbours.is_free());
  expect_served(waited);
  EXPECT_TRUE(until([&] { return !cleared.empty(); }));
  EXPECT_THAT(cleared, ElementsAre(kNumber));
  EXPECT_TRUE(desks.has_nothing_to_empty());
  EXPECT_TRUE(neighbours.is_free());
  expect_served(waited);
}

TEST_F(DesksThatClear, TellOfANumberOnceWhenAllItsListenersAreEmpty) {
  EXPECT_TRUE(desks.clear(kNumber, listeners(neighbours.lend(), another.lend())));
  turn_some_more();
  const auto late = another.client();  // that queue is quiet later than the other
  EXPECT_TRUE(until([&] { return !cleared.empty(); }));
  EXPECT_TRUE(desks.has_nothing_to_empty());
  turn_some_more();
  EXPECT_THAT(cleared, ElementsAre(kNumber));
}

TEST_F(DesksThatClear, TellOfEachNumberByItself) {
  constexpr std::uint32_t kBusy = kNumber + 1;
  EXPECT_TRUE(desks.clear(kBusy, listeners(another.lend())));
  EXPECT_TRUE(desks.clear(kNumber, listeners(neighbours.lend())));
  EXPECT_TRUE(until([&] {
    const auto next = another.client();  // there somebody waits before each turn of the loop
    return !cleared.empty();
  }));
  EXPECT_THAT(cleared, ElementsAre(kNumber));
  EXPECT_FALSE(desks.has_nothing_to_empty());
  EXPECT_TRUE(until([&] { return desks.has_nothing_to_empty(); }));
  EXPECT_THAT(cleared, ElementsAre(kNumber, kBusy));
}

TEST_F(DesksThatClear, GoOnWhileTheOthersAreHeld) {
  EXPECT_TRUE(desks.clear(kNumber, listeners(neighbours.lend())));
  desks.hold();
  auto client = neighbours.client();
  expect_served(client);
}

TEST_F(DesksThatClear, DoNotHoldStillInACandidate) {
  Desks candidates(loop, echo, {.on_emptied = [] {}, .on_cleared = [](std::uint32_t) {}});
  candidates.open(table, kOwnSlot, listeners(another.lend()), {.waits = true});
  EXPECT_TRUE(candidates.clear(kNumber, listeners(neighbours.lend())));
  auto client = neighbours.client();
  expect_served(client);
}

TEST_F(DesksThatClear, CloseTheListenerAndSayNothingWhenItIsGivenUp) {
  EXPECT_TRUE(desks.clear(kNumber, listeners(neighbours.give_away())));
  auto taken = neighbours.client();
  expect_served(taken);
  desks.give_up(kNumber);
  EXPECT_TRUE(desks.has_nothing_to_empty());
  EXPECT_TRUE(neighbours.is_free());
  expect_served(taken);
  EXPECT_THAT(cleared, IsEmpty());
}

TEST_F(DesksThatClear, GoOnWhenAnotherNumberIsGivenUp) {
  EXPECT_TRUE(desks.clear(kNumber, listeners(neighbours.lend())));
  desks.give_up(kNumber + 1);
  EXPECT_FALSE(desks.has_nothing_to_empty());
}

TEST_F(DesksThatClear, RefuseListenersThatGotLostOnTheirWay) {
  const auto taken = desks.clear(kNumber, {});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().text, "the open-files limit is reached");
  EXPECT_TRUE(desks.has_nothing_to_empty());
}

TEST_F(DesksThatClear, RefuseAllListenersWhenOneIsNoSocket) {
  auto waits = neighbours.client();
  EXPECT_FALSE(desks.clear(kNumber, listeners(neighbours.lend(), no_socket())));
  EXPECT_TRUE(desks.has_nothing_to_empty());
  expect_waits(waits);
}

/// The service ends.
struct DesksThatEmpty : DesksTest {
  void open_both() {
    open();
    EXPECT_TRUE(desks.lend(kNeighbour, listeners(neighbours.lend())));
  }
};

TEST_F(DesksThatEmpty, TakeWhoWaitsAndTellOfEachQueue) {
  open_both();
  auto one = own.client();
  auto other = neighbours.client();
  EXPECT_TRUE(desks.has_nothing_to_empty()) << "before empty() the worker need not take them to leave";
  desks.empty();
  EXPECT_FALSE(desks.has_nothing_to_empty()) << "a handshake may be under way";
  expect_served(one);
  expect_served(other);
  EXPECT_TRUE(until([&] { return desks.has_nothing_to_empty(); }));
  EXPECT_EQ(emptied, 2);
}

TEST_F(DesksThatEmpty, StillTakeWhoComesLate) {
  open();
  desks.empty();
  EXPECT_TRUE(until([&] { return desks.has_nothing_to_empty(); }));
  auto late = own.client();
  expect_served(late);
}

TEST_F(DesksThatEmpty, TakeWhoWaitsThoughTheyWereHeld) {
  open();
  desks.hold();
  auto client = own.client();
  expect_waits(client);
  desks.empty();
  expect_served(client);
}

TEST_F(DesksThatEmpty, OweNothingForADeskThatIsTakenBack) {
  open();
  desks.empty();
  EXPECT_FALSE(desks.has_nothing_to_empty());
  desks.take_back(kOwnSlot);
  EXPECT_TRUE(desks.has_nothing_to_empty());
}

TEST_F(DesksThatEmpty, AreNotDoneWhileAClearingIsNot) {
  open();
  desks.empty();
  EXPECT_TRUE(until([&] { return desks.has_nothing_to_empty(); }));
  EXPECT_TRUE(desks.clear(1, listeners(neighbours.lend())));
  EXPECT_FALSE(desks.has_nothing_to_empty());
}

TEST_F(DesksThatEmpty, FreeTheirAddressesForWhoeverStartsNext) {
  desks.open(table, kOwnSlot, listeners(own.give_away()), {});
  auto client = own.client();
  desks.empty();
  EXPECT_TRUE(until([&] { return desks.has_nothing_to_empty(); }));
  EXPECT_FALSE(own.is_free());
  desks.free_addresses();
  EXPECT_TRUE(own.is_free());
  EXPECT_TRUE(desks.has_nothing_to_empty());
  desks.on_room();
  expect_served(client);
}

TEST_F(DesksThatEmpty, HearOutWhoWasAcceptedBehindAClosedDoor) {
  open();
  auto client = client_behind_a_closed_door();
  desks.empty();
  expect_served(client);
}

TEST_F(DesksThatEmpty, AreClosedAtOnceWhereAllShareThem) {
  open({.shares_listeners = true});
  desks.empty();
  EXPECT_TRUE(desks.has_nothing_to_empty());
  auto client = own.client();
  expect_waits(client);
  EXPECT_EQ(emptied, 0);
}

TEST_F(DesksThatEmpty, KeepNewClientsAwayWithoutAMaster) {
  open_both();
  auto waited = own.client();
  desks.keep_new_clients_away();
  EXPECT_TRUE(Attempt(own.address).is_unanswered());
  EXPECT_TRUE(Attempt(neighbours.address).is_unanswered());
  desks.empty();
  expect_served(waited);
}

TEST_F(DesksThatEmpty, KeepNobodyAwayWhereAllShareThem) {
  open({.shares_listeners = true});
  desks.keep_new_clients_away();
  EXPECT_TRUE(Attempt(own.address).is_connected());
}

TEST_F(DesksTest, CloseEverythingAtOnce) {
  desks.open(table, kOwnSlot, listeners(own.give_away()), {});
  EXPECT_TRUE(desks.clear(1, listeners(neighbours.give_away())));
  desks.close_all();
  EXPECT_TRUE(desks.has_nothing_to_empty());
  EXPECT_TRUE(own.is_free());
  EXPECT_TRUE(neighbours.is_free());
}

/// One place for everybody.
struct DesksAtTheLimit : DesksTest {
  static EchoSettings settings() {
    auto settings = plain_settings();
    settings.most_connections = 1;
    return settings;
  }
  DesksAtTheLimit() : DesksTest(settings()) { open(); }
};

TEST_F(DesksAtTheLimit, GoOnWhenAConnectionHasGone) {
  auto first = own.client();
  expect_served(first);
  auto second = own.client();
  expect_waits(second);
  first.close();
  expect_served(second);
}

TEST_F(DesksAtTheLimit, StayHeldWhenAConnectionHasGone) {
  auto first = own.client();
  expect_served(first);
  auto second = own.client();
  expect_waits(second);
  desks.hold();
  first.close();
  EXPECT_TRUE(until([&] { return table.is_empty(); }));
  expect_waits(second);
}

TEST_F(DesksAtTheLimit, TakeWhoWaitsAtAClearingWhenAConnectionHasGone) {
  auto first = own.client();
  expect_served(first);
  auto second = neighbours.client();
  EXPECT_TRUE(desks.clear(1, listeners(neighbours.lend())));
  EXPECT_TRUE(until([&] { return counters.accept_pauses.get() > 0; }));
  first.close();
  expect_served(second);
}

/// They wait in that order, and each leaves when it has got its echo.
class Crowd {
 public:
  Crowd(const Site& site, int size) {
    for (int i = 0; i < size; ++i) clients_.push_back(site.client());
    for (auto& client : clients_) client.send("hello");
  }
  bool one_has_left() {
    clients_.front().read_some();
    if (clients_.front().received().empty()) return false;
    clients_.pop_front();
    ++left_;
    return true;
  }
  int left() const { return left_; }

 private:
  std::deque<Client> clients_;
  int left_ = 0;
};

// Otherwise those who wait at one of two listeners would wait until nobody comes to the other any more.
TEST_F(DesksAtTheLimit, GiveEveryDeskItsTurn) {
  EXPECT_TRUE(desks.lend(kNeighbour, listeners(neighbours.lend())));
  constexpr int kTurns = 8;
  Crowd at_own(own, kTurns);
  Crowd at_neighbours(neighbours, kTurns);
  for (int i = 0; i < kTurns; ++i)
    EXPECT_TRUE(until([&] { return at_own.one_has_left() || at_neighbours.one_has_left(); }));
  EXPECT_GT(at_own.left(), 1);
  EXPECT_GT(at_neighbours.left(), 1);
}

}  // namespace
}  // namespace tcp_echo::test
