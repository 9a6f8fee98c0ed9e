// What a predecessor does when its successor fails, played by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <vector>

#include "support/two_workers.hpp"
#include "worker/hand_over.hpp"

namespace tcp_echo::test {
namespace {

using ::testing::HasSubstr;

/// Three clients of the predecessor, whose connections are in doubt: the successor has heard of them. They
/// are handed over in the order in which they were active, the last first.
struct HandOverInDoubt : ::testing::Test {
  HandOverInDoubt() {
    EXPECT_TRUE(peer.hear());
    EXPECT_EQ(peer.descriptors().size(), clients.size());
  }

  /// The successor's descriptor of that client's connection.
  int successors(std::size_t client) const {
    return peer.descriptors().at(clients.size() - 1 - client).get();
  }
  bool until_broken() {
    return workers.until([this] { return workers.broken > 0; });
  }
  void expect_all_served() {
    EXPECT_EQ(workers.broken, 1);
    EXPECT_EQ(workers.predecessor.counters.handed_over_out.get(), 0U);
    workers.expect_echoes(clients);
  }
  /// The others are the successor's.
  void expect_only_the_second_is_served() {
    EXPECT_EQ(workers.broken, 1);
    EXPECT_EQ(workers.predecessor.counters.handed_over_out.get(), 2U);
    EXPECT_EQ(workers.echo_of(clients[1], "mine"), "mine");
    expect_untouched(0);
    expect_untouched(2);
  }
  /// What that client says is not read by the predecessor, and waits for the successor.
  void expect_untouched(std::size_t client) {
    clients[client].send("whose?");
    EXPECT_TRUE(eventually([&] { return unread_bytes(successors(client)) == 6; }));
    workers.turn_some_more();
    EXPECT_EQ(unread_bytes(successors(client)), 6U);
    EXPECT_TRUE(clients[client].is_open());
  }

  TwoWorkers workers;
  std::vector<Client> clients = workers.connect_many(3);
  Peer peer = workers.hand_over_by_hand();
};

TEST_F(HandOverInDoubt, TouchesNothing) {
  for (std::size_t client = 0; client < clients.size(); ++client) expect_untouched(client);
  EXPECT_EQ(workers.predecessor.counters.received_bytes.get(), 0U);
  EXPECT_EQ(workers.predecessor.counters.active(), 3U);
}

TEST_F(HandOverInDoubt, ServesOnWhenTheSuccessorClosesWithoutAnAnswer) {
  for (auto& client : clients) client.send("still there?");
  peer.close();
  ASSERT_TRUE(until_broken());
  for (auto& client : clients) EXPECT_TRUE(read_until(workers.loop, client, 12));
  workers.turn_some_more();
  expect_all_served();
}

TEST_F(HandOverInDoubt, ServesOnWhatTheSuccessorRefuses) {
  peer.say(TakenOverMessage{0});
  ASSERT_TRUE(until_broken());
  workers.turn_some_more();
  expect_all_served();
}

TEST_F(HandOverInDoubt, ServesOnWhatTheSuccessorHasNotTakenWhenItCloses) {
  peer.say(TakenOverMessage{0b101});  // all but clients[1]
  ASSERT_TRUE(workers.until([&] { return workers.predecessor.table.size() == 1; }));
  peer.close();
  ASSERT_TRUE(until_broken());
  workers.turn_some_more();
  expect_only_the_second_is_served();
}

TEST_F(HandOverInDoubt, OffersAgainWhatWasLeftOfABatch) {
  peer.say(TakenOverMessage{0b010});
  ASSERT_TRUE(workers.until([&] { return peer.hear(); }));
  EXPECT_EQ(peer.last<HandOverMessage>().connections.size(), 2U);
  EXPECT_EQ(workers.broken, 0);
}

TEST_F(HandOverInDoubt, ReadsTheAnswerOfASuccessorThatIsGoneAlready) {
  peer.say(TakenOverMessage{0b101});
  peer.close();
  ASSERT_TRUE(until_broken());
  expect_only_the_second_is_served();
}

TEST_F(HandOverInDoubt, TouchesNothingMoreAfterAnAnswerThatIsNonsense) {
  peer.say_raw(std::vector<std::byte>(40, std::byte{'x'}));
  ASSERT_TRUE(until_broken());
  EXPECT_TRUE(workers.until([&] { return workers.predecessor.table.is_empty(); }));
  EXPECT_EQ(workers.predecessor.counters.handed_over_out.get(), 3U);
  for (std::size_t client = 0; client < clients.size(); ++client) expect_untouched(client);
  EXPECT_EQ(workers.broken, 1);
}

TEST_F(HandOverInDoubt, TouchesNothingMoreAfterAnotherMessageThanAnAnswer) {
  peer.say(ReadyMessage{});
  ASSERT_TRUE(until_broken());
  EXPECT_TRUE(workers.until([&] { return workers.predecessor.table.is_empty(); }));
  for (std::size_t client = 0; client < clients.size(); ++client) expect_untouched(client);
  EXPECT_THAT(workers.log.text(), HasSubstr("the successor speaks a message that does not belong there"));
}

TEST_F(HandOverInDoubt, ServesOnWhenTheSuccessorSpeaksAnotherVersion) {
  auto frame = encode(TakenOverMessage{0b111}, 0);
  const auto another = static_cast<std::uint16_t>(protocol_version() + 1);
  std::memcpy(frame.data() + offsetof(FrameHeader, version), &another, sizeof another);
  peer.say_raw(frame);
  ASSERT_TRUE(until_broken());
  workers.turn_some_more();
  expect_all_served();
}

TEST_F(HandOverInDoubt, TouchesNothingWhenItIsDestroyedAndEndsInAResetIfTheSuccessorDiesToo) {
  workers.giving.reset();
  EXPECT_TRUE(workers.until([&] { return workers.predecessor.table.is_empty(); }));
  EXPECT_EQ(workers.predecessor.counters.handed_over_out.get(), 0U) << "nobody has counted it in";
  EXPECT_EQ(workers.predecessor.closed(CloseReason::kDrain), 3U);
  for (std::size_t client = 0; client < clients.size(); ++client) expect_untouched(client);
  peer.forget_descriptors();
  for (auto& client : clients) EXPECT_EQ(read_to_end(workers.loop, client), End::kReset);
}

TEST_F(HandOverInDoubt, ThatLingersEndsInAResetAsWellIfBothDie) {
  ConnectionState lingering;
  lingering.phase = ConnectionState::Phase::kLingering;
  TwoWorkers others;
  auto client = others.connect_in(std::move(lingering));
  auto its_peer = others.hand_over_by_hand();
  others.giving.reset();
  EXPECT_TRUE(others.until([&] { return others.predecessor.table.is_empty(); }));
  its_peer.close();
  EXPECT_EQ(read_to_end(others.loop, client), End::kReset);
}

TEST_F(HandOverInDoubt, IsNoMoreWhenTheSuccessorIsGoneAsItIsDestroyed) {
  peer.close();
  peer.forget_descriptors();
  workers.giving.reset();
  workers.turn_some_more();
  EXPECT_EQ(workers.predecessor.counters.handed_over_out.get(), 0U);
  workers.expect_echoes(clients);
}

TEST_F(HandOverInDoubt, IsNoMoreWhenTheAnswerIsThereAsItIsDestroyed) {
  peer.say(TakenOverMessage{0b101});  // all but clients[1]
  workers.giving.reset();
  workers.turn_some_more();
  EXPECT_EQ(workers.predecessor.counters.handed_over_out.get(), 2U);
  EXPECT_EQ(workers.predecessor.closed(CloseReason::kDrain), 0U);
  EXPECT_EQ(workers.echo_of(clients[1], "mine"), "mine");
}

TEST_F(HandOverInDoubt, WaitsForTheAnswerBeforeItGoesOn) {
  const auto late = workers.connect();
  workers.giving->go_on();
  workers.turn_some_more();
  EXPECT_FALSE(peer.hear());
  peer.say(TakenOverMessage{0b111});
  ASSERT_TRUE(workers.until([&] { return peer.hear(); }));
  EXPECT_EQ(peer.last<HandOverMessage>().connections.size(), 1U);
}

// The successor has not even read what was sent: the kernel says ECONNRESET first then.
TEST(HandOverToOneThatDoesNotRead, ServesOnWhenItCloses) {
  TwoWorkers workers;
  auto clients = workers.connect_many(3);
  auto peer = workers.hand_over_by_hand();
  peer.close();
  ASSERT_TRUE(workers.until([&] { return workers.broken > 0; }));
  workers.turn_some_more();
  EXPECT_EQ(workers.broken, 1);
  EXPECT_EQ(workers.predecessor.counters.handed_over_out.get(), 0U);
  workers.expect_echoes(clients);
}

TEST(HandOverToOneThatDoesNotRead, BelievesAnAnswerAllTheSame) {
  TwoWorkers workers;
  auto clients = workers.connect_many(2);
  auto peer = workers.hand_over_by_hand();
  peer.say(TakenOverMessage{0b01});
  peer.close();
  ASSERT_TRUE(workers.until([&] { return workers.broken > 0; }));
  EXPECT_EQ(workers.predecessor.counters.handed_over_out.get(), 1U);
  EXPECT_EQ(workers.echo_of(clients[0], "mine"), "mine");
}

TEST(HandOverToOneThatIsGone, ServesOn) {
  TwoWorkers workers;
  auto clients = workers.connect_many(2);
  auto [one, other] = value_or_throw(make_channel_pair());
  other.reset();
  workers.give(std::move(one));
  ASSERT_TRUE(workers.until([&] { return workers.broken > 0; }));
  workers.turn_some_more();
  EXPECT_EQ(workers.broken, 1);
  workers.expect_echoes(clients);
}

TEST(HandOverThroughAFullChannel, ServesMeanwhileAndTriesAgain) {
  TwoWorkers workers;
  auto clients = workers.connect_many(2);
  auto [one, other] = value_or_throw(make_channel_pair());
  constexpr std::size_t kJunk = 10'000;
  std::array<char, kJunk> junk{};
  std::size_t in_the_way = 0;
  while (::send(one.get(), junk.data(), junk.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) ++in_the_way;
  ASSERT_GT(in_the_way, 0U);
  workers.give(std::move(one));
  workers.expect_echoes(clients);
  EXPECT_EQ(workers.broken, 0);
  for (; in_the_way > 0; --in_the_way) ASSERT_GT(::recv(other.get(), junk.data(), junk.size(), 0), 0);
  Peer peer(std::move(other));
  ASSERT_TRUE(workers.until([&] { return peer.hear(); }));
  EXPECT_EQ(peer.last<HandOverMessage>().connections.size(), 2U);
}

TEST(HandOverWithNothingInDoubt, TakesAnAnswerForNonsense) {
  TwoWorkers workers;
  auto peer = workers.hand_over_by_hand();
  peer.say(TakenOverMessage{1});
  EXPECT_TRUE(workers.until([&] { return workers.broken > 0; }));
  EXPECT_THAT(workers.log.text(), HasSubstr("the successor speaks an answer that was not asked for"));
}

TEST(HandOverThatIsBroken, MayBeDestroyedWhereItIsTold) {
  TwoWorkers workers;
  auto clients = workers.connect_many(1);
  auto [one, other] = value_or_throw(make_channel_pair());
  workers.giving.emplace(workers.loop, std::move(one), workers.predecessor.table, [&] {
    workers.giving.reset();
    ++workers.broken;
  });
  Peer(std::move(other)).say(TakenOverMessage{0});
  ASSERT_TRUE(workers.until([&] { return workers.broken > 0; }));
  workers.expect_echoes(clients);
}

}  // namespace
}  // namespace tcp_echo::test
