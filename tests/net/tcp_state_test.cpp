#include "tcp_echo/net/tcp_state.hpp"

#include <gtest/gtest.h>

#include "support/sockets.hpp"
#include "support/wait.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

constexpr int kSmallBuffer = 16 * 1024;

/// A connection whose client has never read and whose buffers are full.
struct ShutWindow : TcpPair {
  ShutWindow() : TcpPair({.backlog = 8}, kSmallBuffer) {
    set_integer(server.get(), SOL_SOCKET, SO_SNDBUF, kSmallBuffer);
    fill(server.get());
  }
};

TEST(UnacknowledgedBytes, AreNoneOnAFreshConnection) {
  const TcpPair pair;
  EXPECT_EQ(unacknowledged_bytes(pair.server.get()), 0U);
}

TEST(UnacknowledgedBytes, AreGoneWhenThePeersKernelHasThemEvenIfItsProgramDoesNotRead) {
  const TcpPair pair;
  ASSERT_EQ(::send(pair.server.get(), "hello", 5, 0), 5);
  EXPECT_TRUE(eventually([&] { return unacknowledged_bytes(pair.server.get()) == 0; }));
}

TEST(UnacknowledgedBytes, StayWhileThePeersWindowIsShut) {
  const ShutWindow pair;
  EXPECT_GT(unacknowledged_bytes(pair.server.get()), 0U);
}

TEST(UnacknowledgedBytes, OfSomethingElseAreNone) { EXPECT_EQ(unacknowledged_bytes(-1), 0U); }

TEST(DeliveredWithin, IsTrueForHalfThePeriodAfterTheLastByteArrived) {
  const TcpPair pair;
  ASSERT_EQ(::send(pair.server.get(), "hello", 5, 0), 5);
  ASSERT_TRUE(eventually([&] { return unacknowledged_bytes(pair.server.get()) == 0; }));
  EXPECT_TRUE(delivered_within(pair.server.get(), 1h));
  EXPECT_TRUE(eventually([&] { return !delivered_within(pair.server.get(), 200ms); }));
}

TEST(DeliveredWithin, IsTrueJustAfterBytesWentOut) {
  const ShutWindow pair;
  EXPECT_TRUE(delivered_within(pair.server.get(), 1h));
}

TEST(DeliveredWithin, BecomesFalseWhileTheWindowStaysShut) {
  const ShutWindow pair;
  EXPECT_TRUE(eventually([&] { return !delivered_within(pair.server.get(), 300ms); }));
  EXPECT_GT(unacknowledged_bytes(pair.server.get()), 0U);
}

TEST(DeliveredWithin, BecomesTrueAgainWhenTheReaderMoves) {
  ShutWindow pair;
  constexpr auto kPeriod = 300ms;
  ASSERT_TRUE(eventually([&] { return !delivered_within(pair.server.get(), kPeriod); }));
  // The window opens only when much of the buffer is free, so it takes more than one read.
  EXPECT_TRUE(eventually([&] {
    pair.client.read_some(1024);
    ::send(pair.server.get(), "more", 4, MSG_DONTWAIT | MSG_NOSIGNAL);
    return delivered_within(pair.server.get(), kPeriod);
  }));
}

TEST(DeliveredWithin, OfSomethingElseIsFalse) { EXPECT_FALSE(delivered_within(-1, 1h)); }

}  // namespace
}  // namespace tcp_echo::test
