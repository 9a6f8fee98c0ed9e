#include "tcp_echo/ipc/directed_channel.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "support/wait.hpp"

namespace tcp_echo::test {
namespace {

/// A worker's end; what a master would say comes over a channel that carries anything.
struct DirectedChannelTest : ::testing::Test {
  Loop loop;
  std::pair<UniqueFd, UniqueFd> pair = value_or_throw(make_channel_pair());
  std::vector<ToWorker> heard;
  std::vector<Message> at_peer;
  std::vector<std::string> nonsense;
  Channel peer{loop,
               std::move(pair.second),
               {.on_message = [this](Message message,
                                     const std::vector<UniqueFd>&) { at_peer.push_back(std::move(message)); },
                .on_closed = [] {},
                .on_nonsense = [](const DecodeError& error) { FAIL() << error.text; }}};
  WorkersChannel channel{
      loop,
      std::move(pair.first),
      {.on_message = [this](ToWorker message,
                            const std::vector<UniqueFd>&) { heard.push_back(std::move(message)); },
       .on_closed = [] {},
       .on_nonsense = [this](const DecodeError& error) { nonsense.push_back(error.text); }}};
};

TEST_F(DirectedChannelTest, BringsWhatGoesItsWay) {
  ASSERT_TRUE(peer.send(DrainMessage{5}));
  ASSERT_TRUE(channel.send(EmptiedMessage{}));
  EXPECT_TRUE(turn_until(loop, [&] { return heard.size() == 1 && at_peer.size() == 1; }));
  EXPECT_EQ(heard[0], ToWorker(DrainMessage{5}));
  EXPECT_EQ(at_peer[0], Message(EmptiedMessage{}));
}

TEST_F(DirectedChannelTest, TakesWhatGoesTheOtherWayForNonsenseAndHearsNothingAfterIt) {
  ASSERT_TRUE(peer.send(EmptiedMessage{}));
  ASSERT_TRUE(peer.send(EmptiedMessage{}));
  ASSERT_TRUE(peer.send(StopMessage{}));
  EXPECT_TRUE(turn_until(loop, [&] { return !nonsense.empty(); }));
  for (int i = 0; i < 5; ++i) loop.turn_once();
  EXPECT_EQ(nonsense, std::vector<std::string>{"a message that does not belong there"});
  EXPECT_TRUE(heard.empty());
}

TEST(Directions, NarrowAndWidenToTheSameMessage) {
  EXPECT_EQ(narrowed<ToMaster>(widened(ToMaster(RefuseLoanMessage{3}))), ToMaster(RefuseLoanMessage{3}));
  EXPECT_EQ(narrowed<ToWorker>(RefuseLoanMessage{3}), std::nullopt);
  EXPECT_EQ(narrowed<BetweenWorkers>(TakenOverMessage{7}), BetweenWorkers(TakenOverMessage{7}));
}

}  // namespace
}  // namespace tcp_echo::test
