#include "worker/desks.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <utility>
#include <vector>

#include "support/engine.hpp"
#include "support/full_epoll.hpp"
#include "tcp_echo/net/listening_socket.hpp"

namespace tcp_echo::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr unsigned kOwnSlot = 1;
constexpr unsigned kNeighbour = 2;

UniqueFd copy_of(const UniqueFd& fd) { return UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0)); }

constexpr ListenerId kListener = 7;

UniqueFd no_socket() { return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

template <class... Descriptors>
std::vector<Desks::Listener> listeners(Descriptors&&... descriptors) {
  std::vector<Desks::Listener> all;
  (all.push_back({std::forward<Descriptors>(descriptors), kListener}), ...);
  return all;
}

/// A listener as its master has it.
struct Site {
  UniqueFd lend() const { return copy_of(socket); }
  Client client() const { return Client(address); }
  /// The master keeps none: once the desks close theirs, so is the listener.
  UniqueFd give_away() { return std::move(socket); }
  bool is_free() const { return probe_address(address).has_value(); }

  UniqueFd socket = value_or_throw(open_listener(any_loopback_port(), {.backlog = 200}));
  Endpoint address = bound(socket);
};

/// A worker's desks, which are not open yet, with the table that their connections go to.
struct DesksTest : ::testing::Test {
  explicit DesksTest(EchoSettings settings = plain_settings())
      : table(loop, std::move(settings), counters, [this] { desks.on_room(); }),
        desks(loop, echo,
              {.on_emptied = [this] { ++emptied; },
               .on_cleared = [this](std::uint32_t number) { cleared.push_back(number); }}) {}
  DesksTest(const DesksTest&) = delete;
  DesksTest& operator=(const DesksTest&) = delete;
  ~DesksTest() override {
    desks.close_all();
    table.close_all();
    EXPECT_TRUE(until([this] { return table.is_empty(); }));
    EXPECT_EQ(counters.active(), 0U) << "the ledger does not balance";
  }

  void open(Desks::Manner manner = {}) { desks.open(table, kOwnSlot, listeners(own.lend()), manner); }

  template <class Condition>
  [[nodiscard]] bool until(Condition condition) {
    return turn_until(loop, condition);
  }
  void turn_some_more() {
    for (int i = 0; i < kSomeTurns; ++i) turn(loop);
  }
  /// Of the connection that was active last.
  ListenerId listener_of_newest() {
    auto* const connection = table.suspend_newest();
    connection->resume();
    return connection->state().listener;
  }
  void expect_served(Client& client) {
    const auto before = client.received().size();
    client.send("hello");
    EXPECT_TRUE(read_until(loop, client, before + 5));
    EXPECT_EQ(client.received().substr(before), "hello");
  }
  /// Nobody takes it, and nobody resets it.
  void expect_waits(Client& client) {
    const auto before = counters.accepted.get();
    turn_some_more();
    EXPECT_EQ(counters.accepted.get(), before);
    EXPECT_TRUE(client.is_open());
  }

  /// As where the master may not filter: it has closed the door of the own listener, and the worker has not
  /// heard of it when it accepts whose handshake was under way.
  Client client_behind_a_closed_door() {
    constexpr int kMostHops = 255;
    set_integer(own.socket.get(), IPPROTO_IP, IP_MINTTL, kMostHops);
    Client client(own.address, 0, kMostHops);
    EXPECT_TRUE(until([this] { return table.size() == 1; }));
    set_integer(client.fd(), IPPROTO_IP, IP_TTL, 64);
    return client;
  }

  LogCapture log;
  Loop loop;
  WorkerCounters counters;
  EchoBehaviour echo;
  Site own;
  Site neighbours;
  ConnectionTable table;
  int emptied = 0;
  std::vector<std::uint32_t> cleared;
  Desks desks;
};

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

/// Own desk open; the neighbour's address is served no more.
struct DesksThatClear : DesksTest {
  static constexpr std::uint32_t kNumber = 5;
  DesksThatClear() { open(); }
  Site another;
};

TEST_F(DesksThatClear, TakeWhoWaitsAndThenCloseTheListener) {
  auto waited = neighbours.client();
  EXPECT_TRUE(desks.clear(kNumber, listeners(neighbours.give_away())));
  EXPECT_FALSE(desks.nobody_waits());
  EXPECT_FALSE(neighbours.is_free());
  expect_served(waited);
  EXPECT_TRUE(until([&] { return !cleared.empty(); }));
  EXPECT_THAT(cleared, ElementsAre(kNumber));
  EXPECT_TRUE(desks.nobody_waits());
  EXPECT_TRUE(neighbours.is_free());
  expect_served(waited);
}

TEST_F(DesksThatClear, TellOfANumberOnceWhenAllItsListenersAreEmpty) {
  EXPECT_TRUE(desks.clear(kNumber, listeners(neighbours.lend(), another.lend())));
  turn_some_more();
  const auto late = another.client();  // that queue is quiet later than the other
  EXPECT_TRUE(until([&] { return !cleared.empty(); }));
  EXPECT_TRUE(desks.nobody_waits());
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
  EXPECT_FALSE(desks.nobody_waits());
  EXPECT_TRUE(until([&] { return desks.nobody_waits(); }));
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
  EXPECT_TRUE(desks.nobody_waits());
  EXPECT_TRUE(neighbours.is_free());
  expect_served(taken);
  EXPECT_THAT(cleared, IsEmpty());
}

TEST_F(DesksThatClear, GoOnWhenAnotherNumberIsGivenUp) {
  EXPECT_TRUE(desks.clear(kNumber, listeners(neighbours.lend())));
  desks.give_up(kNumber + 1);
  EXPECT_FALSE(desks.nobody_waits());
}

TEST_F(DesksThatClear, RefuseListenersThatGotLostOnTheirWay) {
  const auto taken = desks.clear(kNumber, {});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().text, "the open-files limit is reached");
  EXPECT_TRUE(desks.nobody_waits());
}

TEST_F(DesksThatClear, RefuseAllListenersWhenOneIsNoSocket) {
  auto waits = neighbours.client();
  EXPECT_FALSE(desks.clear(kNumber, listeners(neighbours.lend(), no_socket())));
  EXPECT_TRUE(desks.nobody_waits());
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
  EXPECT_TRUE(desks.nobody_waits()) << "whom the worker would have to take before it leaves";
  desks.empty();
  EXPECT_FALSE(desks.nobody_waits()) << "a handshake may be under way";
  expect_served(one);
  expect_served(other);
  EXPECT_TRUE(until([&] { return desks.nobody_waits(); }));
  EXPECT_EQ(emptied, 2);
}

TEST_F(DesksThatEmpty, StillTakeWhoComesLate) {
  open();
  desks.empty();
  EXPECT_TRUE(until([&] { return desks.nobody_waits(); }));
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
  EXPECT_FALSE(desks.nobody_waits());
  desks.take_back(kOwnSlot);
  EXPECT_TRUE(desks.nobody_waits());
}

TEST_F(DesksThatEmpty, AreNotDoneWhileAClearingIsNot) {
  open();
  desks.empty();
  EXPECT_TRUE(until([&] { return desks.nobody_waits(); }));
  EXPECT_TRUE(desks.clear(1, listeners(neighbours.lend())));
  EXPECT_FALSE(desks.nobody_waits());
}

TEST_F(DesksThatEmpty, FreeTheirAddressesForWhoeverStartsNext) {
  desks.open(table, kOwnSlot, listeners(own.give_away()), {});
  auto client = own.client();
  desks.empty();
  EXPECT_TRUE(until([&] { return desks.nobody_waits(); }));
  EXPECT_FALSE(own.is_free());
  desks.free_addresses();
  EXPECT_TRUE(own.is_free());
  EXPECT_TRUE(desks.nobody_waits());
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
  EXPECT_TRUE(desks.nobody_waits());
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
  EXPECT_TRUE(desks.nobody_waits());
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
