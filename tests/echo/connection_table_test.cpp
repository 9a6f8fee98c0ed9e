#include "tcp_echo/echo/connection_table.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "support/engine.hpp"

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
  EXPECT_EQ(engine.closed(CloseReason::kReset), 1U);
  EXPECT_EQ(engine.log.lines_with("cannot be polled"), 1U);
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

}  // namespace
}  // namespace tcp_echo::test
