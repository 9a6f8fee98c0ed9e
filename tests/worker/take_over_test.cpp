#include "worker/take_over.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "support/open_files.hpp"
#include "support/two_workers.hpp"
#include "support/valgrind.hpp"

namespace tcp_echo::test {
namespace {

using ::testing::HasSubstr;

/// A successor whose predecessor is played by hand: it still has a descriptor of each connection.
struct TakeOverTest : ::testing::Test {
  TakeOverTest() {
    auto [one, other] = value_or_throw(make_channel_pair());
    workers.take(std::move(one));
    peer.emplace(std::move(other));
  }

  /// Makes a connection; its client has said "hello", which is not read yet.
  Client connect() {
    auto [client, server] = workers.pair();
    client.send("hello");
    EXPECT_TRUE(eventually([&, fd = server.get()] { return unread_bytes(fd) == 5; }));
    descriptors.push_back(server.get());
    predecessors.push_back(std::move(server));
    return std::move(client);
  }
  /// Hands over what was made, in those states.
  void send(std::vector<ConnectionMessage> states) {
    peer->say(HandOverMessage{std::move(states)}, descriptors);
  }
  std::uint32_t answer() {
    EXPECT_TRUE(workers.until([this] { return peer->hear(); }));
    return peer->last<TakenOverMessage>().which;
  }
  /// What the client said is still there for the predecessor.
  bool is_untouched(std::size_t i) const { return unread_bytes(predecessors.at(i).get()) == 5; }
  void expect_nothing_more_is_taken() {
    EXPECT_TRUE(workers.until([this] { return workers.over > 0; }));
    workers.turn_some_more();
    EXPECT_EQ(workers.over, 1);
    EXPECT_TRUE(workers.successor.table.is_empty());
  }

  TwoWorkers workers;
  std::vector<UniqueFd> predecessors;
  std::vector<int> descriptors;
  std::optional<Peer> peer;
};

TEST_F(TakeOverTest, AnswersBeforeItTouchesAnything) {
  auto client = connect();
  ConnectionMessage state;
  send({state});
  EXPECT_EQ(answer(), 1U);
  EXPECT_TRUE(is_untouched(0));
  EXPECT_EQ(workers.successor.counters.received_bytes.get(), 0U);
  EXPECT_TRUE(read_until(workers.loop, client, 5));
  EXPECT_EQ(client.received(), "hello");
}

TEST_F(TakeOverTest, AnswersBeforeItSendsWhatWasUnsent) {
  auto client = connect();
  send({{.unsent = "from before: "}});
  EXPECT_EQ(answer(), 1U);
  EXPECT_EQ(workers.successor.counters.sent_bytes.get(), 0U);
  EXPECT_TRUE(read_until(workers.loop, client, 18));
  EXPECT_EQ(client.received(), "from before: hello");
}

TEST_F(TakeOverTest, RemembersWhereTheConnectionWasAccepted) {
  const auto client = connect();
  ConnectionMessage state;
  state.listener = 7;
  send({state});
  EXPECT_EQ(answer(), 1U);
  auto* const connection = workers.successor.table.suspend_newest();
  ASSERT_NE(connection, nullptr);
  EXPECT_EQ(connection->state().listener, 7U);
  connection->resume();
}

TEST_F(TakeOverTest, TellsItsOwnerAfterEachBatch) {
  const auto client = connect();
  send({{}});
  EXPECT_EQ(answer(), 1U);
  EXPECT_EQ(workers.taken, 1);
  send({{}});
  EXPECT_EQ(answer(), 1U);
  EXPECT_EQ(workers.taken, 2);
}

TEST_F(TakeOverTest, TakesAWholeBatch) {
  std::vector<Client> clients;
  clients.reserve(kMostHandedOver);
  for (std::size_t i = 0; i < kMostHandedOver; ++i) clients.push_back(connect());
  send(std::vector<ConnectionMessage>(kMostHandedOver));
  EXPECT_EQ(answer(), 0xffffffffU);
  EXPECT_EQ(workers.successor.table.size(), kMostHandedOver);
}

TEST_F(TakeOverTest, DoesNotTakeOneWithAReasonThatThereIsNot) {
  std::vector<Client> clients;
  clients.reserve(3);
  for (int i = 0; i < 3; ++i) clients.push_back(connect());
  send({{}, {.close_reason = kCloseReasonCount, .unsent = ""}, {}});
  EXPECT_EQ(answer(), 0b101U);
  EXPECT_TRUE(read_until(workers.loop, clients[0], 5));
  EXPECT_TRUE(read_until(workers.loop, clients[2], 5));
  EXPECT_TRUE(is_untouched(1));
  EXPECT_EQ(workers.successor.counters.handed_over_in.get(), 2U);
}

TEST_F(TakeOverTest, DoesNotTakeOneWithMoreUnsentThanAConnectionKeeps) {
  const auto first = connect();
  const auto second = connect();
  send({{.unsent = std::string(kReadBufferSize + 1, 'x')}, {}});
  EXPECT_EQ(answer(), 0b10U);
  workers.turn_some_more();
  EXPECT_TRUE(is_untouched(0));
}

TEST_F(TakeOverTest, DoesNotTakeWhatCannotBePolled) {
  const UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  descriptors.push_back(file.get());
  const auto client = connect();
  send({{}, {}});
  EXPECT_EQ(answer(), 0b10U);
  EXPECT_EQ(workers.successor.table.size(), 1U);
}

TEST_F(TakeOverTest, DoesNotTakeAConnectionWithoutItsDescriptor) {
  const auto client = connect();
  send({{}, {}});
  EXPECT_EQ(answer(), 0b01U);
}

TEST_F(TakeOverTest, ClosesADescriptorWithoutAConnection) {
  const auto first = connect();
  const auto second = connect();
  const int next = next_descriptor();
  send({{}});
  EXPECT_EQ(answer(), 0b01U);
  EXPECT_EQ(workers.successor.table.size(), 1U);
  EXPECT_EQ(next_descriptor(), next + 1);
  EXPECT_TRUE(is_untouched(1));
}

TEST_F(TakeOverTest, RefusesABatchWhoseDescriptorsFindNoRoom) {
  if (runs_under_valgrind()) GTEST_SKIP() << "Valgrind plays the limit itself";
  const auto first = connect();
  const auto second = connect();
  send({{}, {}});
  {
    const LowOpenFilesLimit tight(next_descriptor() + 1);  // too few for the two
    EXPECT_EQ(answer(), 0U);
  }
  workers.turn_some_more();
  EXPECT_TRUE(workers.successor.table.is_empty());
  EXPECT_TRUE(is_untouched(0));
  EXPECT_TRUE(is_untouched(1));
}

// It has died in the middle of it: nobody else has them now.
TEST_F(TakeOverTest, ServesWhatAPredecessorHadSentThatIsGoneBeforeTheAnswer) {
  auto client = connect();
  send({{.unsent = "from before"}});
  peer->close();
  predecessors.clear();
  EXPECT_TRUE(workers.until([&] { return workers.over == 1; }));
  EXPECT_TRUE(read_until(workers.loop, client, 16));
  EXPECT_EQ(client.received(), "from beforehello");
  EXPECT_EQ(workers.echo_of(client, "here"), "here");
  EXPECT_EQ(workers.successor.counters.handed_over_in.get(), 1U);
  EXPECT_EQ(workers.successor.counters.handed_over_out.get(), 0U);
}

// It would wait for ever otherwise, and nobody serve what is in doubt.
TEST_F(TakeOverTest, LetsGoOfAPredecessorThatLivesButCannotBeTold) {
  const auto client = connect();
  send({{}});
  ASSERT_EQ(::shutdown(peer->fd(), SHUT_RD), 0);  // the answer fails
  expect_nothing_more_is_taken();
  EXPECT_TRUE(is_untouched(0));
}

TEST_F(TakeOverTest, SaysThatNoMoreComesWhenThePredecessorCloses) {
  peer->close();
  expect_nothing_more_is_taken();
}

TEST_F(TakeOverTest, KeepsWhatItHasWhenThePredecessorCloses) {
  auto client = connect();
  send({{}});
  EXPECT_EQ(answer(), 1U);
  peer->close();
  EXPECT_TRUE(workers.until([&] { return workers.over == 1; }));
  EXPECT_TRUE(read_until(workers.loop, client, 5));
  EXPECT_EQ(workers.echo_of(client, "here"), "here");
}

TEST_F(TakeOverTest, TakesNothingFromOneThatSaysSomethingElse) {
  peer->say(ReadyMessage{});
  expect_nothing_more_is_taken();
  EXPECT_THAT(workers.log.text(), HasSubstr("a message that does not belong there; taking nothing from it"));
}

TEST_F(TakeOverTest, TakesNothingFromOneThatSpeaksNonsense) {
  peer->say_raw(std::vector<std::byte>(40, std::byte{'x'}));
  expect_nothing_more_is_taken();
  EXPECT_THAT(workers.log.text(), HasSubstr("the predecessor speaks"));
}

TEST_F(TakeOverTest, TakesNothingFromOneOfAnotherVersion) {
  auto frame = encode(HandOverMessage{}, 0);
  const auto another = static_cast<std::uint16_t>(protocol_version() + 1);
  std::memcpy(frame.data() + offsetof(FrameHeader, version), &another, sizeof another);
  peer->say_raw(frame);
  expect_nothing_more_is_taken();
  EXPECT_THAT(workers.log.text(), HasSubstr("the predecessor speaks protocol version"));
}

}  // namespace
}  // namespace tcp_echo::test
