#include "fleet/ending.hpp"

#include "fleet/roster.hpp"
#include "support/household.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

/// Slots that are what they are said to be, and a fleet that asks nothing of anybody.
struct EndingTest : ::testing::Test, private Slot::Host {
  EndingTest() {
    for (unsigned index = 0; index < kSlots; ++index)
      roster.add(std::make_unique<Slot>(household, ending, host(), index));
    lending.grow_to(kSlots);
  }
  Slot::Host& host() { return *this; }

  FakeProcess& let_serve(unsigned slot) {
    roster[slot].handle(SlotEvent::kStart);
    launcher.last().become_ready();
    return launcher.last();
  }

  static constexpr unsigned kSlots = 3;
  LogCapture log;
  HandClock clock;
  Scoreboard scoreboard = value_or_throw(Scoreboard::create());
  FakeLauncher launcher;
  Nursery nursery{clock, scoreboard, launcher, [](const Child&) {}};
  Clearings clearings{clock, [](const ClearMessage&, std::span<const int>) -> Child* { return nullptr; },
                      [] {}};
  Roster roster{std::make_shared<const Generation>(generation_of(kSlots))};
  EventLog events{scoreboard};
  Census census{clock};
  Household household{clock, events, nursery, clearings, census, roster, [] {}};
  Lending lending{clock, roster};
  Ending ending{clock, lending, clearings};

 private:
  void on_step(const Slot& /*slot*/) override {}
  void on_served(const Slot& /*slot*/) override {}
  void on_leaving(const Slot& /*slot*/) override {}
  Candidate take_candidate(const Slot& /*slot*/) override { return {}; }
  void let_leave(const Slot& /*slot*/, std::unique_ptr<Child> /*worker*/, bool /*is_dying*/) override {}
  bool may_try_again(const Slot& /*slot*/, const Death& /*death*/) override { return true; }
  void on_spawn_scheduled() override {}
  void on_refused_loan(const Slot& /*slot*/, const RefuseLoanMessage& /*message*/) override {}
};

TEST_F(EndingTest, HasTheTimeThatItWasGivenAndLessIfThatIsSaidAgain) {
  EXPECT_FALSE(ending.has_begun());
  ending.begin(7s);
  EXPECT_TRUE(ending.has_begun());
  clock.turn(2s);
  EXPECT_EQ(ending.time_left(), 5s);
  ending.begin(0ms);
  EXPECT_LE(ending.time_left(), 0ms);
}

TEST_F(EndingTest, LeavesToEachWorkerItsOwnQueueAndThoseThatItHasBorrowed) {
  let_serve(0);
  EXPECT_TRUE(lending.lend(1, 0, *roster[0].worker()));
  roster[2].handle(SlotEvent::kStart);  // it will empty its own
  ending.begin(7s);
  ending.expect_emptiers(roster);
  for (const auto slot : {0U, 1U, 2U}) roster[slot].handle(SlotEvent::kDrain);
  EXPECT_EQ(ending.next_to_drain(roster), nullptr) << "all have somebody";
}

TEST_F(EndingTest, NamesTheSlotWhoseQueueIsNobodysBeforeOthers) {
  let_serve(0);
  ending.begin(7s);
  ending.expect_emptiers(roster);
  for (const auto slot : {0U, 1U, 2U}) roster[slot].handle(SlotEvent::kDrain);
  EXPECT_EQ(ending.next_to_drain(roster), &roster[1]);
  roster[1].handle(SlotEvent::kDrain);  // starts its worker, which gets the queue of slot 3 as well
  EXPECT_EQ(launcher.last().last<LendMessage>().slot, 3U);
  EXPECT_EQ(ending.next_to_drain(roster), nullptr);
  launcher.last().die_from(SIGSEGV);
  EXPECT_EQ(ending.next_to_drain(roster), &roster[2]);
  roster[2].handle(SlotEvent::kDrain);
  launcher.last().say(EmptiedMessage{});
  EXPECT_EQ(ending.next_to_drain(roster), nullptr) << "nobody waits any more";
}

TEST_F(EndingTest, NamesNobodyOnceTheTimeIsOver) {
  ending.begin(7s);
  ending.expect_emptiers(roster);
  for (const auto slot : {0U, 1U, 2U}) roster[slot].handle(SlotEvent::kDrain);
  EXPECT_NE(ending.next_to_drain(roster), nullptr);
  clock.turn(7s);
  EXPECT_EQ(ending.next_to_drain(roster), nullptr);
}

TEST_F(EndingTest, GivesAQueueBackThatAWorkerCouldNotTake) {
  let_serve(0);
  ending.begin(7s);
  EXPECT_TRUE(lending.lend(1, 0, *roster[0].worker()));
  ending.expect_emptiers(roster);
  for (const auto slot : {0U, 1U}) roster[slot].handle(SlotEvent::kDrain);
  roster[2].handle(SlotEvent::kDrain);
  ending.on_refused_loan(roster[0], 1);
  EXPECT_EQ(ending.next_to_drain(roster), &roster[1]);
}

TEST_F(EndingTest, LeavesInheritedListenersToTheirOwner) {
  const auto addresses = roster.generation().listeners.addresses();
  roster.change_to(std::make_shared<const Generation>(
      Generation{2, roster.generation().config, ListenerSet::restore(addresses, true)}));
  ending.begin(7s);
  ending.expect_emptiers(roster);
  for (const auto slot : {0U, 1U, 2U}) roster[slot].handle(SlotEvent::kDrain);
  EXPECT_EQ(ending.next_to_drain(roster), nullptr);
}

}  // namespace
}  // namespace tcp_echo::test
