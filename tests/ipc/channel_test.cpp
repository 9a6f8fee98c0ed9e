#include "tcp_echo/ipc/channel.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstring>
#include <memory>
#include <optional>

#include "support/open_files.hpp"
#include "support/sockets.hpp"
#include "support/valgrind.hpp"
#include "support/wait.hpp"

namespace tcp_echo::test {
namespace {

using ::testing::HasSubstr;

/// A channel that writes down what it is told; its peer is a bare descriptor or a channel.
struct ChannelTest : ::testing::Test {
  Channel::Handlers writing_down() {
    return {.on_message =
                [this](Message message, std::vector<UniqueFd> descriptors) {
                  messages.push_back(std::move(message));
                  received = std::move(descriptors);
                },
            .on_closed = [this] { ++closed; },
            .on_nonsense = [this](DecodeError error) { nonsense.push_back(std::move(error)); }};
  }

  void open() { channel.emplace(loop, std::move(pair.first), writing_down()); }

  /// Sends bytes as they are, with that many copies of a descriptor.
  void send_raw(std::span<const std::byte> bytes, std::size_t descriptors) {
    std::vector<int> fds(descriptors, 0);
    std::vector<char> control(CMSG_SPACE(descriptors * sizeof(int)) + 1);
    iovec vector{const_cast<std::byte*>(bytes.data()), bytes.size()};
    msghdr header{};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    if (descriptors > 0) {
      header.msg_control = control.data();
      header.msg_controllen = CMSG_SPACE(descriptors * sizeof(int));
      cmsghdr* const rights = CMSG_FIRSTHDR(&header);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN(descriptors * sizeof(int));
      std::memcpy(CMSG_DATA(rights), fds.data(), descriptors * sizeof(int));
    }
    ASSERT_GE(::sendmsg(pair.second.get(), &header, MSG_NOSIGNAL), 0) << std::strerror(errno);
  }

  Loop loop;
  std::pair<UniqueFd, UniqueFd> pair = value_or_throw(make_channel_pair());
  std::vector<Message> messages;
  std::vector<UniqueFd> received;
  int closed = 0;
  std::vector<DecodeError> nonsense;
  std::optional<Channel> channel;
};

Channel::Handlers deaf() {
  return {.on_message = [](const Message&, const std::vector<UniqueFd>&) {},
          .on_closed = [] {},
          .on_nonsense = [](const DecodeError&) {}};
}

TEST_F(ChannelTest, BringsMessagesInOrderAndBothWays) {
  open();
  std::vector<Message> at_peer;
  auto handlers = deaf();
  handlers.on_message = [&](Message message, const std::vector<UniqueFd>&) {
    at_peer.push_back(std::move(message));
  };
  Channel peer(loop, std::move(pair.second), std::move(handlers));
  ASSERT_TRUE(peer.send(ConfigureMessage{3, false, false, "workers = 1"}));
  ASSERT_TRUE(peer.send(DrainMessage{}));
  ASSERT_TRUE(channel->send(ReadyMessage{}));
  EXPECT_TRUE(turn_until(loop, [&] { return messages.size() == 2 && at_peer.size() == 1; }));
  EXPECT_EQ(messages,
            (std::vector<Message>{ConfigureMessage{3, false, false, "workers = 1"}, DrainMessage{}}));
  EXPECT_EQ(at_peer, (std::vector<Message>{ReadyMessage{}}));
}

TEST_F(ChannelTest, BringsDescriptorsThatWork) {
  open();
  TcpPair tcp;
  const Channel peer(loop, std::move(pair.second), deaf());
  const std::array lent = {tcp.server.get(), tcp.client.fd()};
  ASSERT_TRUE(const_cast<Channel&>(peer).send(ReadyMessage{}, lent));
  ASSERT_TRUE(turn_until(loop, [&] { return received.size() == 2; }));
  EXPECT_NE(received[0].get(), lent[0]);
  EXPECT_NE(::fcntl(received[0].get(), F_GETFD) & FD_CLOEXEC, 0);
  tcp.server.reset();
  ASSERT_EQ(::send(received[0].get(), "hello", 5, 0), 5);
  EXPECT_TRUE(eventually([&] {
    tcp.client.read_some();
    return tcp.client.received() == "hello";
  }));
}

TEST_F(ChannelTest, CarriesAsManyDescriptorsAsItPromises) {
  open();
  Channel peer(loop, std::move(pair.second), deaf());
  ASSERT_TRUE(peer.send(ReadyMessage{}, std::vector<int>(kMostDescriptors, STDIN_FILENO)));
  EXPECT_TRUE(turn_until(loop, [&] { return received.size() == kMostDescriptors; }));
}

TEST_F(ChannelTest, RefusesToSendMoreDescriptorsThanThat) {
  open();
  const auto sent = channel->send(ReadyMessage{}, std::vector<int>(kMostDescriptors + 1, STDIN_FILENO));
  ASSERT_FALSE(sent);
  EXPECT_THAT(sent.error().text, HasSubstr("too large"));
}

TEST_F(ChannelTest, CarriesTheLargestFrameAndRefusesALargerOne) {
  open();
  Channel peer(loop, std::move(pair.second), deaf());
  const auto overhead = encode(ConfigureMessage{}, 0).size();
  const ConfigureMessage largest{1, false, false, std::string(kLargestFrame - overhead, 'x')};
  ASSERT_TRUE(peer.send(largest));
  ASSERT_TRUE(turn_until(loop, [&] { return messages.size() == 1; }));
  EXPECT_TRUE(messages[0] == Message(largest));
  EXPECT_FALSE(peer.send(ConfigureMessage{1, false, false, largest.configuration + "x"}));
}

TEST_F(ChannelTest, KnowsTheLargestFrameThatASmallBufferTakes) {
  open();
  Channel peer(loop, std::move(pair.second), deaf());
  EXPECT_EQ(peer.largest_frame(), kLargestFrame);
  set_integer(peer.fd(), SOL_SOCKET, SO_SNDBUF, 20'000);
  const auto largest = peer.largest_frame();
  ASSERT_LT(largest, kLargestFrame);
  const auto overhead = encode(ConfigureMessage{}, 0).size();
  EXPECT_FALSE(peer.send(ConfigureMessage{1, false, false, std::string(largest - overhead + 1, 'x')}));
  EXPECT_TRUE(peer.send(ConfigureMessage{1, false, false, std::string(largest - overhead, 'x')}));
}

TEST_F(ChannelTest, TellsThatThePeerClosedOnce) {
  open();
  pair.second.reset();
  EXPECT_TRUE(turn_until(loop, [&] { return closed > 0; }));
  for (int i = 0; i < 3; ++i) turn(loop);
  EXPECT_EQ(closed, 1);
}

TEST_F(ChannelTest, BringsWhatThePeerSentBeforeItClosed) {
  send_raw(encode(ReadyMessage{}, 0), 0);
  pair.second.reset();
  open();
  EXPECT_TRUE(turn_until(loop, [&] { return closed > 0; }));
  EXPECT_EQ(messages.size(), 1U);
}

// The kernel says ECONNRESET first then, before the messages that still wait.
TEST_F(ChannelTest, BringsWhatThePeerSentBeforeItClosedWithSomethingUnread) {
  open();
  ASSERT_TRUE(channel->send(StopMessage{}));
  send_raw(encode(ReadyMessage{}, 0), 0);
  send_raw(encode(DrainMessage{}, 0), 0);
  pair.second.reset();
  EXPECT_TRUE(turn_until(loop, [&] { return closed > 0; }));
  EXPECT_EQ(messages.size(), 2U);
}

TEST_F(ChannelTest, SendingToAGonePeerIsAnErrorAndNoSignal) {
  open();
  pair.second.reset();
  const auto sent = channel->send(StopMessage{});
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().text, "send on the control channel: Broken pipe");
}

TEST_F(ChannelTest, SendingToAPeerThatDoesNotReadIsAnErrorInTheEndAndNeverBlocks) {
  open();
  const ConfigureMessage large{1, false, false, std::string(60000, 'x')};
  Result<void> sent;
  for (int i = 0; i < 1000 && sent; ++i) sent = channel->send(large);
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().text, "send on the control channel: Resource temporarily unavailable");
}

TEST_F(ChannelTest, BytesThatAreNoMessageAreNonsenseAndTheLastThingItHears) {
  open();
  send_raw(std::vector<std::byte>(40, std::byte{'x'}), 0);
  send_raw(encode(ReadyMessage{}, 0), 0);
  EXPECT_TRUE(turn_until(loop, [&] { return !nonsense.empty(); }));
  for (int i = 0; i < 3; ++i) turn(loop);
  EXPECT_EQ(nonsense.size(), 1U);
  EXPECT_EQ(nonsense[0].kind, DecodeError::Kind::kNonsense);
  EXPECT_TRUE(messages.empty());
}

TEST_F(ChannelTest, TellsAnotherVersionFromNonsense) {
  open();
  auto frame = encode(ReadyMessage{}, 0);
  frame[offsetof(FrameHeader, version)] = std::byte{9};
  send_raw(frame, 0);
  EXPECT_TRUE(turn_until(loop, [&] { return !nonsense.empty(); }));
  EXPECT_EQ(nonsense[0].kind, DecodeError::Kind::kOtherVersion);
}

TEST_F(ChannelTest, AMessageWhoseDescriptorsWereCutIsNonsenseAndLeaksNone) {
  open();
  const int next = next_descriptor();
  send_raw(encode(ReadyMessage{}, kMostDescriptors), kMostDescriptors + 20);
  EXPECT_TRUE(turn_until(loop, [&] { return !nonsense.empty(); }));
  EXPECT_THAT(nonsense[0].text, HasSubstr("cut"));
  EXPECT_EQ(next_descriptor(), next);
}

TEST_F(ChannelTest, AMessageWhoseDescriptorsFindNoRoomComesWithoutThemAndLeaksNone) {
  if (runs_under_valgrind()) GTEST_SKIP() << "Valgrind plays the limit itself";
  open();
  const int next = next_descriptor();
  send_raw(encode(LendMessage{3}, 10), 10);
  {
    const LowOpenFilesLimit tight(next + 4);
    EXPECT_TRUE(turn_until(loop, [&] { return !messages.empty() || !nonsense.empty(); }));
  }
  ASSERT_EQ(messages.size(), 1U) << "out of descriptors is nobody's fault";
  EXPECT_TRUE(messages[0] == Message(LendMessage{3}));
  EXPECT_TRUE(received.empty());
  EXPECT_EQ(next_descriptor(), next);
}

TEST_F(ChannelTest, AMessageThatIsTooLongIsNonsense) {
  open();
  auto frame = encode(ConfigureMessage{1, false, false, std::string(kLargestFrame, 'x')}, 0);
  send_raw(frame, 0);
  EXPECT_TRUE(turn_until(loop, [&] { return !nonsense.empty(); }));
  EXPECT_EQ(nonsense[0].kind, DecodeError::Kind::kNonsense);
}

TEST_F(ChannelTest, MayBeDestroyedInEachOfItsHandlers) {
  for (const auto& last_words : {std::string("message"), std::string("nonsense"), std::string("closed")}) {
    auto ends = value_or_throw(make_channel_pair());
    std::optional<Channel> mortal;
    std::string heard;
    mortal.emplace(loop, std::move(ends.first),
                   Channel::Handlers{
                       .on_message = [&](const Message&,
                                         const std::vector<UniqueFd>&) { mortal.reset(), heard = "message"; },
                       .on_closed = [&] { mortal.reset(), heard = "closed"; },
                       .on_nonsense = [&](const DecodeError&) { mortal.reset(), heard = "nonsense"; }});
    pair.second = std::move(ends.second);
    if (last_words == "message") send_raw(encode(ReadyMessage{}, 0), 0);
    if (last_words == "nonsense") send_raw(std::vector<std::byte>(3), 0);
    if (last_words == "closed") pair.second.reset();
    EXPECT_TRUE(turn_until(loop, [&] { return heard == last_words; })) << last_words;
  }
}

TEST(ChannelPair, IsNotInherited) {
  const auto ends = value_or_throw(make_channel_pair());
  EXPECT_NE(::fcntl(ends.first.get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_NE(::fcntl(ends.second.get(), F_GETFD) & FD_CLOEXEC, 0);
}

}  // namespace
}  // namespace tcp_echo::test
