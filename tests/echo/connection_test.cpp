#include "tcp_echo/echo/connection.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <thread>

#include "support/counting_allocator.hpp"
#include "support/engine.hpp"
#include "tcp_echo/net/socket_options.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kShortTimeout = 100ms;

/// How much of the memory counted by the allocator a test may use for small things: log lines, growing
/// tables.
constexpr std::size_t kSmallThings = 4096;

TEST(Connection, SendsBackEveryByteInOrder) {
  Engine engine;
  auto client = engine.connect();
  const auto bytes = random_bytes(100'000);
  EXPECT_TRUE(engine.echo_of(client, bytes) == bytes);
}

TEST(Connection, SendsBackZeroBytesAndLineEndsAsTheyAre) {
  Engine engine;
  auto client = engine.connect();
  const std::string bytes("a\0b\r\n\n\xff", 7);
  EXPECT_EQ(engine.echo_of(client, bytes), bytes);
}

TEST(Connection, CountsWhatItReceivedAndSent) {
  Engine engine;
  auto client = engine.connect();
  for (int i = 0; i < 10; ++i) engine.echo_of(client, "0123456789");
  EXPECT_EQ(engine.counters.received_bytes.get(), 100U);
  EXPECT_EQ(engine.counters.sent_bytes.get(), 100U);
}

TEST(Connection, KeepsClientsApart) {
  Engine engine;
  auto one = engine.connect();
  auto two = engine.connect();
  one.send("one");
  two.send("two");
  engine.read_until(one, 3);
  engine.read_until(two, 3);
  EXPECT_EQ(one.received(), "one");
  EXPECT_EQ(two.received(), "two");
}

TEST(Connection, AnswersAHalfCloseWithAllBytesAndThenTheEnd) {
  Engine engine;
  auto client = engine.connect();
  const auto bytes = random_bytes(100'000);
  client.send(bytes);
  client.half_close();
  EXPECT_EQ(engine.read_to_end(client), End::kFin);
  EXPECT_TRUE(client.received() == bytes);
  EXPECT_TRUE(engine.until_closed(CloseReason::kClient));
}

TEST(Connection, AnswersAHalfCloseWithoutAnyByteWithTheEnd) {
  Engine engine;
  auto client = engine.connect();
  client.half_close();
  EXPECT_EQ(engine.read_to_end(client), End::kFin);
}

TEST(Connection, SendsTwoMebibytesBackToAClientThatReadsOnlyAfterItsHalfClose) {
  Engine engine;
  auto client = engine.connect();
  const auto bytes = random_bytes(2UL << 20);
  std::size_t sent = 0;
  ASSERT_TRUE(engine.until([&] {
    sent += client.send_some(std::string_view(bytes).substr(sent));
    return sent == bytes.size();
  }));
  client.half_close();
  EXPECT_EQ(engine.read_to_end(client), End::kFin);
  EXPECT_TRUE(client.received() == bytes) << client.received().size();
}

TEST(Connection, SendsAnUrgentByteBackInItsPlace) {
  Engine engine;
  auto client = engine.connect();
  client.send("abc");
  client.send_urgent('d');
  client.send("ef");
  engine.read_until(client, 6);
  EXPECT_EQ(client.received(), "abcdef");
}

TEST(Connection, BooksAClientThatClosed) {
  Engine engine;
  auto client = engine.connect();
  engine.echo_of(client, "bye");
  client.close();
  EXPECT_TRUE(engine.until_closed(CloseReason::kClient));
}

TEST(Connection, BooksAResetOfAQuietClient) {
  Engine engine;
  auto client = engine.connect();
  client.reset();
  EXPECT_TRUE(engine.until_closed(CloseReason::kReset));
  EXPECT_TRUE(engine.until([&] { return engine.table.is_empty(); }));
}

TEST(Connection, BooksAResetWhileItsOutputIsFull) {
  Engine engine;
  auto client = engine.connect_small();
  engine.stuff(client, random_bytes(1UL << 20));
  client.reset();
  EXPECT_TRUE(engine.until_closed(CloseReason::kReset));
}

TEST(Connection, BooksAClientThatClosedWithBytesUnreadAsReset) {
  Engine engine;
  auto client = engine.connect();
  client.send("who reads this?");
  ASSERT_TRUE(engine.until([&] {
    std::array<char, 1> byte{};
    return ::recv(client.fd(), byte.data(), 1, MSG_PEEK) == 1;
  }));
  client.close();  // with unread bytes, which makes it a reset
  EXPECT_TRUE(engine.until_closed(CloseReason::kReset));
}

TEST(ConnectionOfAClientThatDoesNotRead, StopsReading) {
  Engine engine;
  auto client = engine.connect_small();
  engine.stuff(client, random_bytes(1UL << 20));
  EXPECT_EQ(client.send_some("more"), 0U);
  EXPECT_LE(engine.counters.received_bytes.get() - engine.counters.sent_bytes.get(), kReadBufferSize);
}

TEST(ConnectionOfAClientThatDoesNotRead, LosesNothingWhenTheClientReadsAgain) {
  Engine engine;
  auto client = engine.connect_small();
  const auto bytes = random_bytes(1UL << 20);
  const auto sent = engine.stuff(client, bytes);
  client.half_close();
  EXPECT_EQ(engine.read_to_end(client), End::kFin);
  EXPECT_TRUE(client.received() == bytes.substr(0, sent)) << client.received().size() << " of " << sent;
  EXPECT_EQ(engine.counters.received_bytes.get(), engine.counters.sent_bytes.get());
}

TEST(ConnectionOfAClientThatDoesNotRead, EchoesOnAfterwards) {
  Engine engine;
  auto client = engine.connect_small();
  engine.read_until(client, engine.stuff(client, random_bytes(1UL << 20)));
  EXPECT_EQ(engine.echo_of(client, "and now?"), "and now?");
}

TEST(ConnectionOfAClientThatDoesNotRead, DoesNotHoldUpTheOthers) {
  Engine engine;
  auto stuffed = engine.connect_small();
  engine.stuff(stuffed, random_bytes(1UL << 20));
  auto other = engine.connect();
  EXPECT_EQ(engine.echo_of(other, "hello"), "hello");
}

TEST(ConnectionMemory, IsOneReadBufferWhileTheClientLagsAndNoneAfterwards) {
  if (!counts()) GTEST_SKIP() << "Valgrind has taken the allocator's place";
  Engine engine;
  auto client = engine.connect_small();
  const auto bytes = random_bytes(1UL << 20);
  const std::size_t before = allocations.live_bytes;
  const auto sent = engine.stuff(client, bytes);
  EXPECT_GT(allocations.live_bytes, before);
  EXPECT_LE(allocations.live_bytes, before + kReadBufferSize + kSmallThings);
  ASSERT_TRUE(engine.until([&] {
    client.read_some();
    return engine.counters.sent_bytes.get() == sent;
  }));
  const auto grown_by_the_client = client.received().capacity();
  EXPECT_LE(allocations.live_bytes, before + grown_by_the_client + kSmallThings);
}

TEST(ConnectionMemory, IsNotAllocatedForAnEcho) {
  if (!counts()) GTEST_SKIP() << "Valgrind has taken the allocator's place";
  Engine engine;
  const auto client = engine.connect();
  std::array<char, 64> buffer{};
  const auto echo_once = [&] {
    ASSERT_EQ(::send(client.fd(), buffer.data(), buffer.size(), MSG_NOSIGNAL), 64);
    std::size_t back = 0;
    const auto end = std::chrono::steady_clock::now() + kDeadline;
    while (back < buffer.size() && std::chrono::steady_clock::now() < end) {
      turn(engine.loop);
      const auto got = ::recv(client.fd(), buffer.data(), buffer.size(), 0);
      if (got > 0) back += static_cast<std::size_t>(got);
    }
    ASSERT_EQ(back, buffer.size());
  };
  echo_once();
  const std::size_t before = allocations.calls;
  for (int i = 0; i < 1000; ++i) echo_once();
  EXPECT_EQ(allocations.calls, before);
}

TEST(ConnectionMemory, OfAConnectionIsFarBelow400Bytes) { EXPECT_LE(sizeof(Connection), 320U); }

TEST(ConnectionMemory, ThatCannotBeHadEndsInAResetAndDoesNotLookComplete) {
  if (!counts()) GTEST_SKIP() << "Valgrind has taken the allocator's place";
  Engine engine;
  TcpPair pair({.backlog = 8}, Engine::kSmallBuffer);
  set_integer(pair.server.get(), SOL_SOCKET, SO_SNDBUF, Engine::kSmallBuffer);
  fill(pair.server.get());
  reset_on_close(pair.server.get());  // as it has it from its listener
  engine.table.add(std::move(pair.server), engine.echo);
  const NextNothrowFails once;
  pair.client.send("x");
  EXPECT_TRUE(engine.until_closed(CloseReason::kLimit));
  EXPECT_EQ(engine.read_to_end(pair.client), End::kReset);
}

TEST(IdleConnection, IsClosedWithTheNotice) {
  auto settings = with_idle_timeout(kShortTimeout);
  settings.idle_notice = "Closing connection due to inactivity\n";
  Engine engine(settings);
  auto client = engine.connect();
  EXPECT_EQ(engine.read_to_end(client), End::kFin);
  EXPECT_EQ(client.received(), settings.idle_notice);
}

TEST(IdleConnection, IsClosedWithoutAWordWhereThereIsNoNotice) {
  Engine engine(with_idle_timeout(kShortTimeout));
  auto client = engine.connect();
  EXPECT_EQ(engine.read_to_end(client), End::kFin);
  EXPECT_EQ(client.received(), "");
}

TEST(IdleConnection, IsNotClosedTooEarly) {
  Engine engine(with_idle_timeout(kShortTimeout));
  auto client = engine.connect();
  engine.echo_of(client, "x");
  const auto quiet_since = engine.loop.now();
  engine.read_to_end(client);
  EXPECT_GE(engine.loop.now() - quiet_since, kShortTimeout - 10ms);
}

TEST(IdleConnection, IsNotOneThatTalks) {
  Engine engine(with_idle_timeout(kShortTimeout));
  auto client = engine.connect();
  const auto start = engine.loop.now();
  while (engine.loop.now() - start < 4 * kShortTimeout) ASSERT_EQ(engine.echo_of(client, "x"), "x");
}

TEST(IdleConnection, LingersUntilThePeersEndAndIsBookedThen) {
  Engine engine(with_idle_timeout(kShortTimeout));
  auto client = engine.connect();
  EXPECT_EQ(engine.read_to_end(client), End::kFin);
  engine.turn_some_more();
  EXPECT_EQ(engine.table.size(), 1U);
  EXPECT_EQ(engine.closed(CloseReason::kIdle), 0U);
  client.close();
  EXPECT_TRUE(engine.until_closed(CloseReason::kIdle));
}

TEST(IdleConnection, TakesWhatStillComesWhileItLingersAndSendsNothingBack) {
  Engine engine(with_idle_timeout(kShortTimeout));
  auto client = engine.connect();
  EXPECT_EQ(engine.read_to_end(client), End::kFin);
  client.send("too late");
  EXPECT_TRUE(engine.until([&] { return engine.counters.received_bytes.get() == 8; }));
  client.half_close();
  EXPECT_TRUE(engine.until_closed(CloseReason::kIdle));
  EXPECT_EQ(engine.counters.sent_bytes.get(), 0U);
  EXPECT_EQ(option_of(client.fd(), SOL_SOCKET, SO_ERROR), 0) << "a clean end on both sides";
}

TEST(IdleConnection, IsResetWhenThePeerDoesNotEndWithinTheLingerTimeout) {
  auto settings = with_idle_timeout(kShortTimeout);
  settings.linger_timeout = kShortTimeout;
  Engine engine(settings);
  auto client = engine.connect();
  EXPECT_EQ(engine.read_to_end(client), End::kFin);
  EXPECT_TRUE(engine.until_closed(CloseReason::kIdle));
  EXPECT_TRUE(engine.until([&] { return option_of(client.fd(), SOL_SOCKET, SO_ERROR) != 0; }));
}

TEST(IdleConnection, IsBookedAsIdleWhenThePeerResetsItWhileItLingers) {
  Engine engine(with_idle_timeout(kShortTimeout));
  auto client = engine.connect();
  EXPECT_EQ(engine.read_to_end(client), End::kFin);
  client.reset();
  EXPECT_TRUE(engine.until_closed(CloseReason::kIdle));
  EXPECT_EQ(engine.closed(CloseReason::kReset), 0U);
}

TEST(IdleConnection, DoesNotLingerWithALingerTimeoutOfZero) {
  auto settings = with_idle_timeout(kShortTimeout);
  settings.linger_timeout = 0ms;
  settings.idle_notice = "bye\n";
  Engine engine(settings);
  auto client = engine.connect();
  EXPECT_TRUE(engine.until_closed(CloseReason::kIdle));
  EXPECT_TRUE(engine.until([&] { return engine.table.is_empty(); }));
  EXPECT_EQ(engine.read_to_end(client), End::kFin);
  EXPECT_EQ(client.received(), "bye\n");
}

TEST(IdleConnection, IsResetWhereThatIsAskedFor) {
  auto settings = with_idle_timeout(kShortTimeout);
  settings.send_reset = true;
  settings.idle_notice = "a reset would overtake it";
  Engine engine(settings);
  auto client = engine.connect();
  EXPECT_EQ(engine.read_to_end(client), End::kReset);
  EXPECT_EQ(client.received(), "");
  EXPECT_EQ(engine.closed(CloseReason::kIdle), 1U);
}

TEST(IdleConnection, WithUnsentBytesIsResetAndDoesNotLookComplete) {
  Engine engine(with_idle_timeout(kShortTimeout));
  auto client = engine.connect_small();
  engine.stuff(client, random_bytes(1UL << 20));
  EXPECT_TRUE(engine.until_closed(CloseReason::kIdle));
  EXPECT_EQ(engine.read_to_end(client), End::kReset);
}

/// As a process that is stopped, or whose container is paused.
void stand_still_for(std::chrono::milliseconds time) { std::this_thread::sleep_for(time); }

TEST(IdleConnection, IsNotOneThatStoodStillWithBytesUnsentThatTheClientHasRoomFor) {
  constexpr auto kTimeout = 300ms;  // filling the buffers takes a while
  Engine engine(with_idle_timeout(kTimeout));
  auto client = engine.connect_small();
  const auto bytes = random_bytes(1UL << 20);
  const auto sent = engine.stuff(client, bytes);
  pollfd more{client.fd(), POLLIN, 0};
  while (client.end() == End::kOpen && ::poll(&more, 1, 20) > 0) client.read_some();  // all of the kernel's
  stand_still_for(2 * kTimeout);
  engine.read_until(client, sent);
  EXPECT_TRUE(client.received() == bytes.substr(0, sent)) << client.received().size() << " of " << sent;
}

TEST(IdleConnection, IsNotOneThatStoodStillAndHasBytesToRead) {
  Engine engine(with_idle_timeout(kShortTimeout));
  auto client = engine.connect();
  client.send("hello");
  stand_still_for(2 * kShortTimeout);
  engine.read_until(client, 5);
  EXPECT_EQ(client.received(), "hello");
}

TEST(IdleConnection, IsBookedAsTheClientsEndIfThatCameWhileItStoodStill) {
  auto settings = with_idle_timeout(kShortTimeout);
  settings.send_reset = true;
  Engine engine(settings);
  auto client = engine.connect();
  client.half_close();
  stand_still_for(2 * kShortTimeout);
  EXPECT_EQ(engine.read_to_end(client), End::kFin);
  EXPECT_TRUE(engine.until_closed(CloseReason::kClient));
}

TEST(IdleConnection, IsNotOneWhoseClientReadsSlowly) {
  constexpr auto kTimeout = 300ms;
  constexpr std::size_t kSip = 64;
  auto settings = with_idle_timeout(kTimeout);
  settings.send_reset = true;  // an idle close would cost the client its bytes
  Engine engine(settings);
  set_integer(engine.listener.get(), SOL_SOCKET, SO_SNDBUF,
              256 * 1024);  // all of it waits in the kernel, out of our sight
  auto client = engine.connect(4096);
  const auto bytes = random_bytes(64UL * 1024);
  const auto start = engine.loop.now();
  std::size_t sent = 0;
  EXPECT_TRUE(engine.until([&] {
    if (sent < bytes.size()) sent += client.send_some(std::string_view(bytes).substr(sent));
    client.read_some(kSip);
    return client.received().size() == bytes.size() || client.end() != End::kOpen;
  }));
  EXPECT_TRUE(client.received() == bytes) << client.received().size();
  EXPECT_GT(engine.loop.now() - start, 2 * kTimeout) << "too fast a reader to prove anything";
}

TEST(IdleConnection, WithATimeoutOfZeroIsNeverClosed) {
  Engine engine(with_idle_timeout(0ms));
  auto client = engine.connect();
  engine.turn_some_more();
  EXPECT_TRUE(client.is_open());
}

/// Says something else than what it heard.
class Shouting final : public Behaviour {
 public:
  std::span<const std::byte> respond(std::span<std::byte> received) noexcept override {
    for (auto& byte : received) byte = static_cast<std::byte>(std::toupper(std::to_integer<int>(byte)));
    return received;
  }
};

class Silent final : public Behaviour {
 public:
  std::span<const std::byte> respond(std::span<std::byte>) noexcept override { return {}; }
};

TEST(ConnectionBehaviour, DecidesWhatGoesBack) {
  Shouting shouting;
  Engine engine;
  TcpPair pair;
  engine.table.add(std::move(pair.server), shouting);
  EXPECT_EQ(engine.echo_of(pair.client, "hello"), "HELLO");
}

TEST(ConnectionBehaviour, MayAnswerNothing) {
  Silent silent;
  Engine engine;
  TcpPair pair;
  engine.table.add(std::move(pair.server), silent);
  pair.client.send("hello");
  EXPECT_TRUE(engine.until([&] { return engine.counters.received_bytes.get() == 5; }));
  pair.client.half_close();
  EXPECT_EQ(engine.read_to_end(pair.client), End::kFin);
  EXPECT_EQ(pair.client.received(), "");
}

}  // namespace
}  // namespace tcp_echo::test
