#include "tcp_echo/fleet/clearings.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <map>

#include "support/log_capture.hpp"
#include "support/wait.hpp"
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

/// Workers that write down what they are told.
struct ClearingsTest : ::testing::Test {
  ClearingsTest()
      : clearings(loop, {.tell_someone =
                             [this](const ClearMessage& message, std::span<const int> descriptors) {
                               if (block) told[message.number] = {*block, descriptors.size()};
                               return block;
                             },
                         .tell =
                             [this](std::size_t to, const GiveUpMessage& message) {
                               given_up = {to, message.number};
                             },
                         .on_removed = [this] { ++removed; }}) {}

  LogCapture log;
  Loop loop;
  std::optional<std::size_t> block = 1;
  std::map<std::uint32_t, std::pair<std::size_t, std::size_t>> told;  ///< number: block, descriptors
  std::pair<std::size_t, std::uint32_t> given_up;
  int removed = 0;
  Clearings clearings;
};

TEST_F(ClearingsTest, KeepTheListenersUntilAWorkerHasClearedThem) {
  auto address = address_of(2);
  const std::weak_ptr<const UniqueFd> socket = address.by_slot[1];
  clearings.add({std::move(address)}, 1min);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told.begin()->second, std::pair(1UL, 2UL));
  EXPECT_FALSE(clearings.is_empty());
  EXPECT_FALSE(socket.expired());
  clearings.on_cleared(1, {told.begin()->first});
  EXPECT_TRUE(clearings.is_empty());
  EXPECT_TRUE(socket.expired());
  EXPECT_EQ(removed, 1);
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
  block.reset();
  clearings.add({address_of(1)}, 1min);
  EXPECT_TRUE(told.empty());
  block = 7;
  clearings.settle();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told.begin()->second.first, 7U);
  block = 8;
  clearings.settle();
  EXPECT_EQ(told.begin()->second.first, 7U) << "one is enough";
}

TEST_F(ClearingsTest, GoToAnotherWorkerWhenTheirsHasGone) {
  clearings.add({address_of(1)}, 1min);
  block = 2;
  clearings.on_worker_gone(9);
  clearings.settle();
  EXPECT_EQ(told.begin()->second.first, 1U) << "that was not its worker";
  clearings.on_worker_gone(1);
  clearings.settle();
  EXPECT_EQ(told.begin()->second.first, 2U);
}

TEST_F(ClearingsTest, GoToAnotherWorkerSoonWhenTheirsCannotTakeThem) {
  clearings.add({address_of(1)}, 1min);
  const auto number = told.begin()->first;
  block = 2;
  clearings.on_refused(9, {number});
  clearings.on_refused(1, {number});
  EXPECT_TRUE(turn_until(loop, [&] { return told[number].first == 2; }));
  EXPECT_FALSE(clearings.is_empty());
}

TEST_F(ClearingsTest, EndWhenTheirTimeIsUp) {
  clearings.add({address_of(1)}, 20ms);
  EXPECT_TRUE(turn_until(loop, [&] { return clearings.is_empty(); }));
  EXPECT_EQ(removed, 1);
  EXPECT_NE(log.text().find("20ms have passed"), std::string::npos) << log.text();
  EXPECT_EQ(given_up, std::pair(1UL, told.begin()->first)) << "its worker has descriptors of them";
}

TEST_F(ClearingsTest, AreNotMistakenForEachOther) {
  clearings.add({address_of(1), address_of(1)}, 1min);
  ASSERT_EQ(told.size(), 2U);
  clearings.on_cleared(1, {told.begin()->first});
  clearings.on_cleared(1, {12345});
  clearings.on_cleared(9, {told.rbegin()->first});  // that one was not asked
  EXPECT_FALSE(clearings.is_empty());
}

}  // namespace
}  // namespace tcp_echo::test
