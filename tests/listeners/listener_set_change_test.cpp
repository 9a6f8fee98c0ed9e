// From one set of listeners to the next.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/stat.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/listen_config.hpp"
#include "support/sockets.hpp"
#include "tcp_echo/listeners/listener_set.hpp"
#include "tcp_echo/net/listening_socket.hpp"

namespace tcp_echo::test {
namespace {

using ::testing::HasSubstr;

ListenerSet open_set(std::initializer_list<std::string> addresses, unsigned slots) {
  return value_or_throw(ListenerSet::open(config_for(addresses), slots));
}

ListenerSet changed(const ListenerSet& set, std::initializer_list<std::string> addresses, unsigned slots) {
  return value_or_throw(set.changed_to(config_for(addresses), slots));
}

std::string port_of(const Endpoint& where) { return ":" + std::to_string(where.port()); }

/// An address that was free a moment ago.
std::string free_address() {
  return bound(value_or_throw(open_listener(any_loopback_port(), {.backlog = 1})).get()).text();
}

ino_t inode_of(int fd) {
  struct stat status {};
  EXPECT_EQ(::fstat(fd, &status), 0);
  return status.st_ino;
}

std::vector<ino_t> inodes_of_slot(const ListenerSet& set, unsigned slot) {
  std::vector<ino_t> inodes;
  for (const int fd : set.of_slot(slot)) inodes.push_back(inode_of(fd));
  return inodes;
}

bool accepts(const Endpoint& where) {
  try {
    const Client client(where);
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

unsigned backlog_of(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  EXPECT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
  return info.tcpi_sacked;
}

std::vector<ListenerId> ids_of(const ListenerSet& set) {
  std::vector<ListenerId> ids;
  for (const auto& address : set.addresses()) ids.push_back(address.id);
  return ids;
}

TEST(ListenerSetThatChanges, KeepsTheIdsOfAddressesThatStayAndGivesNoneTwice) {
  const auto first = open_set({"127.0.0.1:0", "127.0.0.2:0"}, 2);
  EXPECT_EQ(ids_of(first), (std::vector<ListenerId>{1, 2}));
  const auto second = changed(first, {"127.0.0.3:0", "127.0.0.1:0"}, 2);
  EXPECT_EQ(ids_of(second), (std::vector<ListenerId>{3, 1}));
  const auto third = changed(second, {"127.0.0.2:0", "127.0.0.1:0"}, 2);
  EXPECT_EQ(ids_of(third), (std::vector<ListenerId>{4, 1})) << "a connection may still have the former one's";
  EXPECT_EQ(third.ids_of_slot(1), ids_of(third));
  EXPECT_EQ(ids_of(value_or_throw(third.grown_to(config_for({}), 3))), ids_of(third));
}

TEST(ListenerSetThatChanges, GoesOnWithTheIdsOfAnotherProgram) {
  const auto former = changed(open_set({"127.0.0.1:0", "127.0.0.2:0"}, 1), {"127.0.0.1:0"}, 1);
  const auto restored = ListenerSet::restore(former.addresses(), false, former.next_id());
  EXPECT_EQ(ids_of(restored), ids_of(former));
  EXPECT_EQ(ids_of(changed(restored, {"127.0.0.1:0", "127.0.0.2:0"}, 1)), (std::vector<ListenerId>{1, 3}));
  auto untold = former.addresses();
  untold[0].id = 0;
  EXPECT_EQ(ids_of(ListenerSet::restore(untold, false)), std::vector<ListenerId>{1});
}

TEST(ListenerSetThatChanges, LeavesOutOfTheIdsOfASlotWhatItHasNoListenerOf) {
  const auto former = open_set({"127.0.0.1:0"}, 2);
  const auto next = changed(former, {"127.0.0.2:0", "127.0.0.1:0"}, 1);
  EXPECT_EQ(next.ids_of_slot(1), std::vector<ListenerId>{1});
  EXPECT_EQ(next.ids_of_slot(1).size(), next.of_slot(1).size());
}

TEST(ListenerSetThatChanges, SharesTheSocketsOfAnAddressThatStays) {
  const auto former = open_set({"127.0.0.1:0"}, 2);
  const auto next = changed(former, {"127.0.0.1:0"}, 2);
  EXPECT_EQ(next.endpoints(), former.endpoints()) << "port 0 keeps its port";
  for (const unsigned slot : {0U, 1U}) EXPECT_EQ(inodes_of_slot(next, slot), inodes_of_slot(former, slot));
}

TEST(ListenerSetThatChanges, KeepsEachOfTwoPortsThatWereLeftToTheKernel) {
  const auto former = open_set({"127.0.0.1:0", "127.0.0.1:0"}, 1);
  const auto next = changed(former, {"127.0.0.1:0", "127.0.0.1:0"}, 1);
  EXPECT_EQ(next.endpoints(), former.endpoints());
}

TEST(ListenerSetThatChanges, FollowsTheOrderOfTheConfiguration) {
  const auto former = open_set({"127.0.0.1:0", "127.0.0.2:0"}, 1);
  const auto next = changed(former, {"127.0.0.2:0", "127.0.0.1:0"}, 1);
  EXPECT_EQ(next.endpoints(), (std::vector{former.endpoints()[1], former.endpoints()[0]}));
}

TEST(ListenerSetThatChanges, KeepsItsSocketsWhenTheFormerOneGoes) {
  std::optional former = open_set({"127.0.0.1:0"}, 1);
  const auto next = changed(*former, {"127.0.0.1:0"}, 1);
  former.reset();
  EXPECT_TRUE(accepts(next.endpoints()[0]));
}

TEST(ListenerSetThatChanges, AcceptsNobodyOnANewAddressBeforeItIsTold) {
  const auto former = open_set({"127.0.0.1:0"}, 1);
  const auto fresh = free_address();
  const auto next = changed(former, {"127.0.0.1:0", fresh}, 1);
  EXPECT_FALSE(accepts(endpoint(fresh)));
  EXPECT_TRUE(accepts(next.endpoints()[0]));
  ASSERT_TRUE(next.begin_to_listen(config_for({})));
  EXPECT_TRUE(accepts(endpoint(fresh)));
}

TEST(ListenerSetThatChanges, TellsWhichAddressesAreServedNoMore) {
  const auto former = open_set({"127.0.0.1:0", "127.0.0.2:0"}, 2);
  const auto next = changed(former, {"127.0.0.2:0"}, 2);
  const auto removed = former.without(next);
  ASSERT_EQ(removed.size(), 1U);
  EXPECT_EQ(removed[0].bound, former.endpoints()[0]);
  EXPECT_EQ(removed[0].by_slot.size(), 2U);
  EXPECT_TRUE(next.without(former).empty());
}

TEST(ListenerSetThatChanges, LeavesARemovedAddressOpenUntilTheFormerSetGoes) {
  std::optional former = open_set({"127.0.0.1:0", "127.0.0.2:0"}, 1);
  const auto where = former->endpoints()[0];
  const auto next = changed(*former, {"127.0.0.2:0"}, 1);
  EXPECT_TRUE(accepts(where));
  former.reset();
  EXPECT_FALSE(accepts(where));
}

TEST(ListenerSetThatChanges, TellsThatAnAddressTwiceIsServedOnceNow) {
  const auto former = open_set({"127.0.0.1:0", "127.0.0.1:0"}, 1);
  const auto removed = former.without(changed(former, {"127.0.0.1:0"}, 1));
  ASSERT_EQ(removed.size(), 1U);
  EXPECT_EQ(removed[0].bound, former.endpoints()[1]);
}

TEST(ListenerSetThatChanges, SetsBacklogAndOptionsOnSocketsThatAreSharedToo) {
  const auto former = open_set({"127.0.0.1:0"}, 1);
  auto config = config_for({"127.0.0.1:0"});
  config.backlog = 7;
  config.nodelay = !config.nodelay;
  const auto next = value_or_throw(former.changed_to(config, 1));
  EXPECT_EQ(backlog_of(next.of_slot(0)[0]), 16U) << "not before it begins";
  ASSERT_TRUE(next.begin_to_listen(config));
  EXPECT_EQ(backlog_of(next.of_slot(0)[0]), 7U);
  EXPECT_EQ(option_of(next.of_slot(0)[0], IPPROTO_TCP, TCP_NODELAY), config.nodelay ? 1 : 0);
}

TEST(ListenerSetThatGrows, GivesTheNewSlotsSocketsOfTheirOwn) {
  const auto former = open_set({"127.0.0.1:0"}, 1);
  const auto next = changed(former, {"127.0.0.1:0"}, 3);
  EXPECT_EQ(inodes_of_slot(next, 0), inodes_of_slot(former, 0));
  EXPECT_NE(inodes_of_slot(next, 1), inodes_of_slot(next, 0));
  EXPECT_NE(inodes_of_slot(next, 2), inodes_of_slot(next, 1));
  EXPECT_EQ(bound(next.of_slot(2).at(0)), former.endpoints()[0]);
  EXPECT_EQ(former.addresses()[0].by_slot.size(), 1U) << "the former set is as it was";
}

TEST(ListenerSetThatShrinks, KeepsTheSocketsOfSlotsThatWereScaledAway) {
  const auto former = open_set({"127.0.0.1:0"}, 3);
  const auto next = changed(former, {"127.0.0.1:0"}, 1);
  for (const unsigned slot : {0U, 1U, 2U})
    EXPECT_EQ(inodes_of_slot(next, slot), inodes_of_slot(former, slot));
}

TEST(ListenerSetThatShrinks, OpensNoneOnANewAddressForSlotsThatWereScaledAway) {
  const auto former = changed(open_set({"127.0.0.1:0"}, 3), {"127.0.0.1:0"}, 1);
  const auto next = changed(former, {"127.0.0.1:0", "127.0.0.2:0"}, 1);
  EXPECT_EQ(next.of_slot(0).size(), 2U);
  EXPECT_EQ(inodes_of_slot(next, 2), inodes_of_slot(former, 2));
}

TEST(ListenerSetThatShrinks, HasNothingForThemWhereAllAddressesAreNew) {
  const auto former = changed(open_set({"127.0.0.1:0"}, 3), {"127.0.0.1:0"}, 1);
  const auto next = changed(former, {"127.0.0.2:0"}, 1);
  EXPECT_EQ(next.of_slot(0).size(), 1U);
  EXPECT_TRUE(next.of_slot(2).empty());
}

TEST(ListenerSetThatShrinks, GivesThemWhatTheyLackWhenTheyComeBack) {
  const auto few = changed(open_set({"127.0.0.1:0"}, 3), {"127.0.0.1:0", "127.0.0.2:0"}, 1);
  const auto many = changed(few, {"127.0.0.1:0", "127.0.0.2:0"}, 3);
  ASSERT_EQ(many.of_slot(2).size(), 2U);
  EXPECT_EQ(inodes_of_slot(many, 2)[0], inodes_of_slot(few, 2)[0]);
  EXPECT_EQ(bound(many.of_slot(2)[1]), few.endpoints()[1]);
}

/// An address that has clients in common with our own 127.0.0.1, or with the stranger's 127.0.0.2.
class AddressThatOverlaps : public ::testing::TestWithParam<const char*> {};

TEST_P(AddressThatOverlaps, IsNotTakenForAStrangers) {
  const auto former = open_set({"127.0.0.1:0"}, 2);
  const auto wider = GetParam() + port_of(former.endpoints()[0]);
  const auto next = changed(former, {wider}, 2);
  ASSERT_TRUE(next.begin_to_listen(config_for({})));
  EXPECT_EQ(next.endpoints(), (std::vector{endpoint(wider)}));
  EXPECT_TRUE(accepts(endpoint("127.0.0.2" + port_of(former.endpoints()[0]))));
}

TEST_P(AddressThatOverlaps, IsRefusedWhereAStrangerListensAsWell) {
  const auto former = open_set({"127.0.0.1:0"}, 2);
  const auto port = port_of(former.endpoints()[0]);
  const auto stranger = value_or_throw(open_listener(endpoint("127.0.0.2" + port), {.backlog = 1}));
  const auto next = former.changed_to(config_for({GetParam() + port}), 2);
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, ExitCode::kUnavailable);
}

TEST_P(AddressThatOverlaps, MayBecomeNarrowerAgain) {
  const auto former = open_set({std::string(GetParam()) + ":0"}, 2);
  const auto narrow = "127.0.0.1" + port_of(former.endpoints()[0]);
  const auto next = changed(former, {narrow}, 2);
  EXPECT_EQ(next.endpoints(), (std::vector{endpoint(narrow)}));
}

INSTANTIATE_TEST_SUITE_P(Any, AddressThatOverlaps, ::testing::Values("0.0.0.0", "[::]"),
                         [](const auto& row) { return row.index == 0 ? "V4" : "V6"; });

TEST(ListenerSetThatChanges, RefusesANewAddressOnWhichAStrangerListens) {
  const auto former = open_set({"127.0.0.1:0"}, 1);
  const TcpPair stranger;  // which shares its port with whoever asks for it
  const auto taken = bound(stranger.listener.get());
  const auto next = former.changed_to(config_for({"127.0.0.1:0", taken.text()}), 1);
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, ExitCode::kUnavailable);
  EXPECT_THAT(next.error().text, HasSubstr(taken.text()));
}

TEST(ListenerSetThatChanges, LeavesNothingBehindWhenOneAddressFails) {
  const auto former = open_set({"127.0.0.1:0"}, 1);
  const TcpPair stranger;
  const auto fresh = free_address();
  const int next = next_descriptor();
  EXPECT_FALSE(former.changed_to(config_for({fresh, bound(stranger.listener.get()).text()}), 4));
  EXPECT_EQ(next_descriptor(), next) << "a descriptor was left open";
  EXPECT_TRUE(probe_address(endpoint(fresh)));
  EXPECT_EQ(former.addresses()[0].by_slot.size(), 1U);
  EXPECT_TRUE(accepts(former.endpoints()[0]));
}

TEST(ListenerSetThatChanges, StaysAsItIsWhereItWasInherited) {
  std::vector<UniqueFd> sockets;
  sockets.push_back(value_or_throw(open_listener(any_loopback_port(), {.backlog = 8})));
  const auto inode = inode_of(sockets[0].get());
  const auto former = value_or_throw(ListenerSet::adopt(std::move(sockets), config_for({})));
  auto config = config_for({"192.0.2.1:1"});
  config.nodelay = !option_of(former.of_slot(0)[0], IPPROTO_TCP, TCP_NODELAY);
  const auto next = value_or_throw(former.changed_to(config, 5));
  EXPECT_TRUE(next.is_inherited());
  EXPECT_EQ(inodes_of_slot(next, 4), std::vector{inode});
  EXPECT_TRUE(former.without(next).empty());
  ASSERT_TRUE(next.begin_to_listen(config));
  EXPECT_EQ(backlog_of(next.of_slot(0)[0]), 8U) << "its owner's";
  EXPECT_EQ(option_of(next.of_slot(0)[0], IPPROTO_TCP, TCP_NODELAY), config.nodelay ? 1 : 0);
}

TEST(ListenerSetThatIsRestored, IsAsItWasDescribed) {
  const auto former = changed(open_set({"127.0.0.1:0"}, 3), {"127.0.0.1:0", "127.0.0.2:0"}, 1);
  const auto restored = ListenerSet::restore(former.addresses(), former.is_inherited());
  EXPECT_FALSE(restored.is_inherited());
  EXPECT_EQ(restored.endpoints(), former.endpoints());
  for (const unsigned slot : {0U, 2U})
    EXPECT_EQ(inodes_of_slot(restored, slot), inodes_of_slot(former, slot));
}

TEST(ListenerSetThatIsRestored, KnowsItsAddressesAsTheyWereAskedFor) {
  const auto former = open_set({"127.0.0.1:0"}, 1);
  const auto restored = ListenerSet::restore(former.addresses(), false);
  EXPECT_EQ(changed(restored, {"127.0.0.1:0"}, 1).endpoints(), former.endpoints());
}

TEST(ListenerSetThatIsRestored, IsInheritedIfItWas) {
  const auto former = open_set({"127.0.0.1:0"}, 1);
  const auto restored = ListenerSet::restore(former.addresses(), true);
  EXPECT_TRUE(restored.is_inherited());
  EXPECT_EQ(restored.of_slot(7), former.of_slot(0));
}

}  // namespace
}  // namespace tcp_echo::test
