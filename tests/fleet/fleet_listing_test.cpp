// Whom a fleet asks for connections, and when.
#include "fleet/fleet_support.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

struct FleetListing : FleetTest {
  /// The process that is asked for the connections from that place on; null if none is.
  FakeProcess* asked_at(std::uint64_t place) {
    std::vector<std::size_t> before;
    for (std::size_t i = 0; i < launcher.count(); ++i) before.push_back(launcher[i].count<ListMessage>());
    fleet.list_connections({.place = place}, [this](const ConnectionPage& page) { last_page = page; });
    for (std::size_t i = 0; i < launcher.count(); ++i)
      if (launcher[i].count<ListMessage>() > before[i]) return &launcher[i];
    return nullptr;
  }
  /// That process tells of its connections; gives where they go on.
  std::uint64_t list(FakeProcess& process, std::uint32_t next = 0) const {
    process.say(ListedMessage{process.last<ListMessage>().number, next, {}});
    return last_page.next;
  }
  /// Those that are asked one after the other, from that place to the end.
  std::vector<FakeProcess*> walk_from(std::uint64_t place) {
    std::vector<FakeProcess*> asked;
    auto* process = asked_at(place);
    while (process != nullptr) {
      asked.push_back(process);
      process = asked_at(list(*process));
    }
    return asked;
  }

  ConnectionPage last_page;
};

TEST_F(FleetListing, GoesThroughOneWorkerAfterTheOther) {
  come_up();
  ASSERT_EQ(asked_at(0), &launcher[0]);
  const auto in_the_middle = list(launcher[0], 200);
  ASSERT_EQ(asked_at(in_the_middle), &launcher[0]);
  EXPECT_EQ(launcher[0].last<ListMessage>().place, 200U);
  const auto behind = list(launcher[0]);
  ASSERT_EQ(asked_at(behind), &launcher[1]);
  EXPECT_EQ(launcher[1].last<ListMessage>().place, 0U);
  EXPECT_EQ(asked_at(list(launcher[1])), nullptr);
  EXPECT_EQ(last_page.worker, 0U);
  EXPECT_EQ(last_page.next, 0U) << "that is the end";
}

TEST_F(FleetListing, MeetsWorkersThatLeaveBeforeTheOthersAndNoneWithoutAPlace) {
  come_up();
  ASSERT_EQ(asked_at(0), &launcher[0]);
  const auto amidst_the_first = list(launcher[0], 5);
  fleet.move(movement(next_generation(kSlots), kSlots, {0, 1}));
  launcher[2].become_ready();
  EXPECT_EQ(walk_from(0), (std::vector{&launcher[0], &launcher[1]}));
  launcher[3].become_ready();
  launcher[0].say(StrandedMessage{});
  EXPECT_EQ(walk_from(amidst_the_first), (std::vector{&launcher[2], &launcher[3]}));
  clock.turn(5s);
  EXPECT_EQ(walk_from(0), (std::vector{&launcher[0], &launcher[1], &launcher[2], &launcher[3]}));
}

TEST_F(FleetListing, BeginsWhenConnectionsHaveMoved) {
  come_up();
  fleet.move(movement(next_generation(kSlots), kSlots, {0, 1}));
  launcher[2].become_ready();
  launcher[3].become_ready();
  EXPECT_EQ(asked_at(0), nullptr);
  EXPECT_EQ(asked_at(0), nullptr);
  launcher[0].exit_with(0);
  EXPECT_FALSE(launcher[2].was_told<ListMessage>());
  launcher[1].exit_with(0);
  EXPECT_TRUE(launcher[2].was_told<ListMessage>());
  list(launcher[2]);
  EXPECT_EQ(launcher[2].count<ListMessage>(), 2U);
  list(launcher[2]);
  EXPECT_EQ(last_page.worker, 1U);
}

TEST_F(FleetListing, GoesOnBehindAWorkerThatHasDied) {
  come_up();
  ASSERT_EQ(asked_at(0), &launcher[0]);
  launcher[0].die_from(SIGSEGV);
  EXPECT_EQ(last_page.worker, 1U);
  EXPECT_EQ(asked_at(last_page.next), &launcher[1]);
}

}  // namespace
}  // namespace tcp_echo::test
