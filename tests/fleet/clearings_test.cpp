#include "fleet/clearings.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <map>

#include "support/household.hpp"
#include "tcp_echo/ipc/codec.hpp"
#include "tcp_echo/net/listening_socket.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

ListenerSet::Address address_of(std::size_t slots) {
  const auto any = *Endpoint::parse("127.0.0.1:0");
  ListenerSet::Address address{any, any, {}};
  for (std::size_t i = 0; i < slots; ++i)
    address.by_slot.push_back(std::make_shared<const UniqueFd>(value_or_throw(open_listener(any, {}))));
  return address;
}

struct ClearingsTest : HouseholdTest {
  Child* let_all_serve() {
    for (const unsigned slot : {0U, 1U, 2U}) let_serve(slot);
    return &worker(0);
  }

  Child* told_next = let_all_serve();                            ///< null: nobody can be told
  std::map<std::uint32_t, std::pair<Child*, std::size_t>> told;  ///< number: worker, descriptors
  int changes = 0;
  Clearings clearings{clock,
                      [this](const ClearMessage& message, std::span<const int> descriptors) {
                        if (told_next != nullptr) told[message.number] = {told_next, descriptors.size()};
                        return told_next;
                      },
                      [this] { ++changes; }};
};

TEST_F(ClearingsTest, KeepTheListenersUntilAWorkerHasClearedThem) {
  auto address = address_of(2);
  const std::weak_ptr<const UniqueFd> socket = address.by_slot[1];
  clearings.add({std::move(address)}, 1min);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told.begin()->second, std::pair(&worker(0), 2UL));
  EXPECT_FALSE(clearings.is_empty());
  EXPECT_FALSE(socket.expired());
  clearings.on_cleared(worker(0), told.begin()->first);
  EXPECT_TRUE(clearings.is_empty());
  EXPECT_TRUE(socket.expired());
  EXPECT_EQ(changes, 1);
}

TEST_F(ClearingsTest, OfManyListenersAreSpreadOverMessages) {
  clearings.add({address_of(kMostDescriptors + 1)}, 1min);
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told.begin()->second.second, kMostDescriptors);
  EXPECT_EQ(told.rbegin()->second.second, 1U);
}

TEST_F(ClearingsTest, PassOverSlotsThatHadNoListenerThere) {
  auto address = address_of(1);
  address.by_slot.push_back(nullptr);
  clearings.add({address, {address.wanted, address.bound, {nullptr}}}, 1min);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told.begin()->second.second, 1U);
}

TEST_F(ClearingsTest, WaitForAWorkerThatCanBeTold) {
  told_next = nullptr;
  clearings.add({address_of(1)}, 1min);
  EXPECT_TRUE(told.empty());
  told_next = &worker(1);
  clearings.settle();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told.begin()->second.first, &worker(1));
  told_next = &worker(2);
  clearings.settle();
  EXPECT_EQ(told.begin()->second.first, &worker(1)) << "one is enough";
}

TEST_F(ClearingsTest, GoToAnotherWorkerWhenTheirsHasGone) {
  clearings.add({address_of(1)}, 1min);
  told_next = &worker(1);
  clearings.on_worker_gone(worker(2));
  clearings.settle();
  EXPECT_EQ(told.begin()->second.first, &worker(0)) << "that was not its worker";
  clearings.on_worker_gone(worker(0));
  clearings.settle();
  EXPECT_EQ(told.begin()->second.first, &worker(1));
}

TEST_F(ClearingsTest, GoToAnotherWorkerSoonWhenTheirsCannotTakeThem) {
  clearings.add({address_of(1)}, 1min);
  const auto number = told.begin()->first;
  told_next = &worker(1);
  clearings.on_refused(worker(2), number);
  clock.turn(1s);
  EXPECT_EQ(told[number].first, &worker(0)) << "that was not its worker";
  clearings.on_refused(worker(0), number);
  EXPECT_EQ(told[number].first, &worker(0)) << "not at once";
  clock.turn(1s);
  EXPECT_EQ(told[number].first, &worker(1));
  EXPECT_FALSE(clearings.is_empty());
}

TEST_F(ClearingsTest, AreOfferedAgainAndAgainWhileNobodyCanBeTold) {
  told_next = nullptr;
  clearings.add({address_of(1)}, 1min);
  clock.turn(300ms);
  EXPECT_TRUE(told.empty());
  EXPECT_GT(changes, 0) << "somebody else may have to see to it";
  told_next = &worker(1);
  clock.turn(100ms);
  EXPECT_EQ(told.size(), 1U);
}

TEST_F(ClearingsTest, EndWhenTheirTimeIsUp) {
  clearings.add({address_of(1)}, 20ms);
  clock.turn(20ms);
  EXPECT_TRUE(clearings.is_empty());
  EXPECT_EQ(changes, 1);
  EXPECT_NE(log.text().find("20ms have passed"), std::string::npos) << log.text();
  EXPECT_EQ(launcher[0].last<GiveUpMessage>().number, told.begin()->first)
      << "its worker has descriptors of them";
}

TEST_F(ClearingsTest, AreNotMistakenForEachOther) {
  clearings.add({address_of(1), address_of(1)}, 1min);
  ASSERT_EQ(told.size(), 2U);
  clearings.on_cleared(worker(0), told.begin()->first);
  clearings.on_cleared(worker(0), 12345);
  clearings.on_cleared(worker(1), told.rbegin()->first);  // that one was not asked
  EXPECT_FALSE(clearings.is_empty());
}

}  // namespace
}  // namespace tcp_echo::test
