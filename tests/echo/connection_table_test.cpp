#include "tcp_echo/echo/connection_table.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <memory>
#include <utility>
#include <vector>

#include "support/engine.hpp"
#include "support/full_epoll.hpp"
#include "tcp_echo/net/socket_options.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

TEST(ConnectionTable, CountsItsConnections) {
  Engine engine;
  EXPECT_TRUE(engine.table.is_empty());
  auto one = engine.connect();
  auto two = engine.connect();
  EXPECT_EQ(engine.table.size(), 2U);
  one.close();
  EXPECT_TRUE(engine.until([&] { return engine.table.size() == 1; }));
  two.close();
  EXPECT_TRUE(engine.until([&] { return engine.table.is_empty(); }));
  EXPECT_EQ(engine.counters.accepted.get(), 2U);
}

TEST(ConnectionTable, SaysThatOneIsErasedWhenItsDescriptorIsFreeAgain) {
  Loop loop;
  WorkerCounters counters;
  EchoBehaviour echo;
  TcpPair pair;
  const int fd = pair.server.get();
  int erased = 0;
  std::size_t size_then = 1;
  int descriptor_then = 0;
  ConnectionTable* self = nullptr;
  ConnectionTable table(loop, plain_settings(), counters, [&] {
    ++erased;
    size_then = self->size();
    descriptor_then = ::fcntl(fd, F_GETFD);
  });
  self = &table;
  table.add(std::move(pair.server), echo);
  pair.client.close();
  EXPECT_TRUE(turn_until(loop, [&] { return erased == 1; }));
  EXPECT_EQ(size_then, 0U);
  EXPECT_EQ(descriptor_then, -1);
}

TEST(ConnectionTable, TakesAConnectionWithAHighDescriptor) {
  Engine engine;
  TcpPair pair;
  engine.table.add(UniqueFd(::fcntl(pair.server.get(), F_DUPFD_CLOEXEC, 900)), engine.echo);
  EXPECT_EQ(engine.echo_of(pair.client, "far up"), "far up");
}

TEST(ConnectionTable, UsesAPlaceAgain) {
  Engine engine;
  for (std::uint64_t i = 1; i <= 20; ++i) {
    auto client = engine.connect();
    EXPECT_EQ(engine.echo_of(client, "again"), "again");
    client.close();
    ASSERT_TRUE(engine.until_closed(CloseReason::kClient, i));
  }
}

TEST(ConnectionTable, BooksWhatCannotBePolledAsClosed) {
  Engine engine;
  engine.table.add(UniqueFd(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)), engine.echo);
  EXPECT_TRUE(engine.table.is_empty());
  EXPECT_EQ(engine.counters.accepted.get(), 1U);
  EXPECT_EQ(engine.closed(CloseReason::kLimit), 1U);
  EXPECT_EQ(engine.log.lines_with("cannot be polled"), 1U);
}

TEST(ConnectionTable, TakesNoMoreThanTheKernelHasRoomToPollAndServesTheOthers) {
  Engine engine;
  auto served = engine.connect();
  auto first = engine.connect();
  first.close();
  ASSERT_TRUE(engine.until_closed(CloseReason::kClient));
  Client refused(engine.address);
  const FullEpoll full;
  ASSERT_TRUE(engine.until_closed(CloseReason::kLimit));
  EXPECT_EQ(engine.read_to_end(refused), End::kReset);
  EXPECT_EQ(engine.echo_of(served, "served on"), "served on");
}

TEST(ConnectionTable, HasRoomUpToItsLimit) {
  auto settings = plain_settings();
  settings.most_connections = 2;
  Engine engine(settings);
  EXPECT_TRUE(engine.table.has_room());
  const auto one = engine.connect();
  EXPECT_TRUE(engine.table.has_room());
  const auto two = engine.connect();
  EXPECT_FALSE(engine.table.has_room());
}

TEST(ConnectionTable, WithoutALimitAlwaysHasRoom) {
  Engine engine;
  const auto client = engine.connect();
  EXPECT_TRUE(engine.table.has_room());
}

TEST(ConnectionTable, CountsHowLongAndHowLargeEachClosedConnectionWas) {
  Engine engine;
  TcpPair pair;
  ConnectionState state;  // as it comes from another worker, which counted nothing of this
  state.opened_at = engine.loop.now() - 5s;
  state.received_bytes = 1000;
  ConnectionTable::Arrivals arrivals(engine.table);
  ASSERT_NE(engine.table.adopt(std::move(pair.server), engine.echo, std::move(state), arrivals), nullptr);
  EXPECT_EQ(engine.echo_of(pair.client, std::string(48, 'x')), std::string(48, 'x'));
  EXPECT_EQ(engine.counters.sizes.sum.get(), 0U) << "it is still open";
  pair.client.close();
  ASSERT_TRUE(engine.until_closed(CloseReason::kClient));
  EXPECT_EQ(engine.counters.sizes.buckets[11].get(), 1U) << "1024 to 2047 bytes";
  EXPECT_EQ(engine.counters.sizes.sum.get(), 1048U);
  EXPECT_EQ(engine.counters.lifetimes.buckets[13].get(), 1U) << "4.096 to 8.191 s";
  EXPECT_GE(engine.counters.lifetimes.sum.get(), 5000U);
}

TEST(CloseAll, EndsEveryConnectionAndBooksItAsDrained) {
  Engine engine;
  std::vector<Client> clients;
  clients.reserve(5);
  for (int i = 0; i < 5; ++i) clients.push_back(engine.connect());
  engine.table.close_all();
  for (auto& client : clients) EXPECT_EQ(engine.read_to_end(client), End::kFin);
  EXPECT_EQ(engine.closed(CloseReason::kDrain), 5U);
  EXPECT_TRUE(engine.table.is_empty());
}

TEST(CloseAll, TwiceBooksNothingTwice) {
  Engine engine;
  const auto client = engine.connect();
  engine.table.close_all();
  engine.table.close_all();
  EXPECT_TRUE(engine.until([&] { return engine.table.is_empty(); }));
  EXPECT_EQ(engine.closed(CloseReason::kDrain), 1U);
}

TEST(CloseAll, ResetsAClientThatHasNotGotAllOfItsBytes) {
  Engine engine;
  auto client = engine.connect_small();
  engine.stuff(client, random_bytes(1UL << 20));
  engine.table.close_all();
  EXPECT_EQ(engine.read_to_end(client), End::kReset);
}

TEST(CloseAll, KeepsTheReasonOfThoseThatWereLingering) {
  auto settings = plain_settings();
  settings.idle_timeout = 10ms;
  Engine engine(settings);
  auto client = engine.connect();
  EXPECT_EQ(engine.read_to_end(client), End::kFin);
  engine.table.close_all();
  EXPECT_TRUE(engine.until([&] { return engine.table.is_empty(); }));
  EXPECT_EQ(engine.closed(CloseReason::kIdle), 1U);
  EXPECT_EQ(engine.closed(CloseReason::kDrain), 0U);
}

TEST(Drain, ClosesAConnectionOnceItHasBeenQuietForAWhile) {
  Engine engine;
  auto client = engine.connect();
  EXPECT_EQ(engine.echo_of(client, "last words"), "last words");
  const auto quiet_since = engine.loop.now();
  engine.table.drain();
  EXPECT_EQ(engine.read_to_end(client), End::kFin);
  EXPECT_GE(engine.loop.now() - quiet_since, kDrainQuiet - 10ms);
  client.close();
  EXPECT_TRUE(engine.until_closed(CloseReason::kDrain));
}

TEST(Drain, ClosesAConnectionThatHasBeenQuietForLongAtOnce) {
  Engine engine;
  auto client = engine.connect();
  const auto start = engine.loop.now();
  EXPECT_TRUE(engine.until([&] { return engine.loop.now() - start > kDrainQuiet; }));
  ASSERT_TRUE(client.is_open());
  engine.table.drain();
  const auto drained = engine.loop.now();
  EXPECT_EQ(engine.read_to_end(client), End::kFin);
  EXPECT_LT(engine.loop.now() - drained, kDrainQuiet);
}

TEST(Drain, LetsTalkingClientsTalk) {
  Engine engine;
  auto client = engine.connect();
  engine.table.drain();
  const auto start = engine.loop.now();
  while (engine.loop.now() - start < 2 * kDrainQuiet)
    ASSERT_EQ(engine.echo_of(client, "still here"), "still here");
  EXPECT_TRUE(client.is_open());
}

TEST(Drain, WaitsForAClientThatHasNotGotAllOfItsBytes) {
  Engine engine;
  auto slow = engine.connect_small();
  const auto bytes = random_bytes(1UL << 20);
  const auto sent = engine.stuff(slow, bytes);
  auto quiet = engine.connect();
  engine.table.drain();
  EXPECT_EQ(engine.read_to_end(quiet), End::kFin);  // by now the slow one has been quiet for longer
  engine.read_until(slow, sent);
  EXPECT_TRUE(slow.received() == bytes.substr(0, sent)) << slow.received().size() << " of " << sent;
  EXPECT_EQ(engine.read_to_end(slow), End::kFin);
}

/// Has the table adopt a connection in that state.
Connection* adopt(Engine& engine, TcpPair& pair, ConnectionState state = {}) {
  if (state.last_activity.count() == 0) state.last_activity = engine.loop.now();
  ConnectionTable::Arrivals arrivals(engine.table);
  return engine.table.adopt(std::move(pair.server), engine.echo, std::move(state), arrivals);
}

TEST(Adopt, ServesAConnectionThatIsCountedAsHandedOver) {
  Engine engine;
  TcpPair pair;
  ASSERT_NE(adopt(engine, pair), nullptr);
  EXPECT_EQ(engine.echo_of(pair.client, "new here"), "new here");
  EXPECT_EQ(engine.counters.accepted.get(), 0U);
  EXPECT_EQ(engine.counters.handed_over_in.get(), 1U);
  EXPECT_EQ(engine.counters.active(), 1U);
}

TEST(Adopt, SetsTheOptionsOfThisWorkersConfiguration) {
  auto settings = plain_settings();
  settings.nodelay = false;
  settings.keepalive = 7s;
  Engine engine(settings);
  TcpPair pair;
  const int fd = pair.server.get();
  ASSERT_TRUE(set_connection_options(fd, true, 0s));
  ASSERT_NE(adopt(engine, pair), nullptr);
  const auto value_of = [fd](int level, int option) {
    int value = -1;
    socklen_t size = sizeof value;
    ::getsockopt(fd, level, option, &value, &size);
    return value;
  };
  EXPECT_EQ(value_of(IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_EQ(value_of(SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(value_of(IPPROTO_TCP, TCP_KEEPIDLE), 7);
}

TEST(Adopt, BeginsWithWhatIsUnsent) {
  Engine engine;
  TcpPair pair;
  ConnectionState state;
  state.unsent = {std::make_unique<std::byte[]>(3), 1, 3};
  state.unsent.bytes[1] = std::byte{'o'};
  state.unsent.bytes[2] = std::byte{'k'};
  pair.client.send("!");
  ASSERT_NE(adopt(engine, pair, std::move(state)), nullptr);
  engine.read_until(pair.client, 3);
  EXPECT_EQ(pair.client.received(), "ok!");
}

TEST(Adopt, CountsOnFromWhatTheConnectionHadCounted) {
  Engine engine;
  TcpPair pair;
  ConnectionState state;
  state.received_bytes = 100;
  state.sent_bytes = 90;
  const auto* const adopted = adopt(engine, pair, std::move(state));
  ASSERT_NE(adopted, nullptr);
  engine.echo_of(pair.client, "0123456789");
  EXPECT_EQ(adopted->state().received_bytes, 110U);
  EXPECT_EQ(adopted->state().sent_bytes, 100U);
  EXPECT_EQ(engine.counters.received_bytes.get(), 10U) << "the rest was counted elsewhere";
}

TEST(Adopt, LetsALingeringConnectionLingerForTheRestOfItsTime) {
  auto settings = plain_settings();
  settings.linger_timeout = 1min;  // longer than any test waits
  Engine engine(settings);
  TcpPair pair;
  ConnectionState state;
  state.phase = ConnectionState::Phase::kLingering;
  state.reason = CloseReason::kIdle;
  state.last_activity = engine.loop.now() - 1min + 20ms;
  ASSERT_NE(adopt(engine, pair, std::move(state)), nullptr);
  EXPECT_TRUE(engine.until_closed(CloseReason::kIdle));
  EXPECT_EQ(engine.read_to_end(pair.client), End::kReset);
}

TEST(Adopt, SendsNothingBackOnALingeringConnection) {
  Engine engine;
  TcpPair pair;
  ConnectionState state;
  state.phase = ConnectionState::Phase::kLingering;
  state.reason = CloseReason::kDrain;
  ASSERT_NE(adopt(engine, pair, std::move(state)), nullptr);
  pair.client.send("too late");
  pair.client.half_close();
  EXPECT_TRUE(engine.until_closed(CloseReason::kDrain));
  EXPECT_EQ(engine.counters.sent_bytes.get(), 0U);
}

TEST(Adopt, OfWhatCannotBePolledChangesNothing) {
  Engine engine;
  UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  ConnectionTable::Arrivals arrivals(engine.table);
  EXPECT_EQ(engine.table.adopt(std::move(file), engine.echo, {}, arrivals), nullptr);
  EXPECT_TRUE(engine.table.is_empty());
  EXPECT_EQ(engine.counters.handed_over_in.get(), 0U);
  EXPECT_EQ(engine.counters.all_closed(), 0U);
}

TEST(Adopt, IsUndoneBySuspendAndReleaseBeforeTheLoopTurns) {
  Engine engine;
  TcpPair pair;
  const UniqueFd others(::fcntl(pair.server.get(), F_DUPFD_CLOEXEC, 0));
  pair.client.send("hello");
  auto* const adopted = adopt(engine, pair);
  ASSERT_NE(adopted, nullptr);
  adopted->suspend();
  adopted->release();
  EXPECT_TRUE(engine.until([&] { return engine.table.is_empty(); }));
  engine.turn_some_more();
  EXPECT_TRUE(pair.client.is_open());
  EXPECT_EQ(unread_bytes(others.get()), 5U);
  EXPECT_EQ(engine.counters.active(), 0U);
}

TEST(SuspendNewest, FindsNoneInAnEmptyTable) {
  Engine engine;
  EXPECT_EQ(engine.table.suspend_newest(), nullptr);
}

TEST(SuspendNewest, TakesThemInTheOrderOfActivityAndEachOnce) {
  Engine engine;
  std::vector<TcpPair> pairs(3);
  std::vector<Connection*> adopted;
  adopted.reserve(pairs.size());
  for (const auto age : {20ms, 0ms, 10ms}) {
    ConnectionState state;
    state.last_activity = engine.loop.now() - age;
    adopted.push_back(adopt(engine, pairs[adopted.size()], std::move(state)));
  }
  EXPECT_EQ(engine.table.suspend_newest(), adopted[1]);
  EXPECT_EQ(engine.table.suspend_newest(), adopted[2]);
  EXPECT_EQ(engine.table.suspend_newest(), adopted[0]);
  EXPECT_EQ(engine.table.suspend_newest(), nullptr);
  EXPECT_EQ(engine.table.size(), 3U) << "they are still this table's";
  for (auto* connection : adopted) connection->resume();
}

TEST(SuspendNewest, OffersOneThatWasResumedAgain) {
  Engine engine;
  const auto client = engine.connect();
  auto* const connection = engine.table.suspend_newest();
  ASSERT_NE(connection, nullptr);
  connection->resume();
  EXPECT_EQ(engine.table.suspend_newest(), connection);
  connection->resume();
}

TEST(SuspendNewest, TakesThoseThatLingerLast) {
  Engine engine;
  TcpPair pair;
  ConnectionState state;
  state.phase = ConnectionState::Phase::kLingering;
  auto* const lingering = adopt(engine, pair, std::move(state));
  TcpPair other;
  ConnectionState older;
  older.last_activity = engine.loop.now() - 20ms;
  auto* const echoing = adopt(engine, other, std::move(older));
  EXPECT_EQ(engine.table.suspend_newest(), echoing);
  EXPECT_EQ(engine.table.suspend_newest(), lingering);
  echoing->resume();
  lingering->resume();
}

TEST(SuspendNewest, PassesOverWhatIsClosingAlready) {
  Engine engine;
  const auto client = engine.connect();
  engine.table.close_all();
  EXPECT_EQ(engine.table.size(), 1U) << "until the loop has turned";
  EXPECT_EQ(engine.table.suspend_newest(), nullptr);
}

}  // namespace
}  // namespace tcp_echo::test
