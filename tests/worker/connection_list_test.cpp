#include "worker/connection_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "support/engine.hpp"

namespace tcp_echo::test {
namespace {

ListedAddress listed(const Endpoint& endpoint) { return {endpoint.host(), endpoint.port()}; }

ListedMessage list(const Engine& engine, const ListMessage& question = {}) {
  return list_connections(engine.table, question);
}

TEST(ConnectionList, TellsWhoIsConnectedAndWhatWasReceivedAndSent) {
  Engine engine;
  auto client = engine.connect();
  engine.echo_of(client, "hello");
  const auto page = list(engine, {.number = 7});
  EXPECT_EQ(page.number, 7U);
  EXPECT_EQ(page.next, 0U);
  ASSERT_EQ(page.connections.size(), 1U);
  const auto& connection = page.connections.front();
  EXPECT_EQ(connection.peer, listed(bound(client.fd())));
  EXPECT_EQ(connection.local, listed(engine.address));
  EXPECT_EQ(connection.received, 5U);
  EXPECT_EQ(connection.sent, 5U);
  EXPECT_EQ(connection.unsent, 0U);
  EXPECT_FALSE(connection.is_lingering);
}

TEST(ConnectionList, TellsForHowLongAConnectionIsThereAndHasBeenQuiet) {
  Engine engine;
  auto client = engine.connect();
  const auto opened = engine.loop.now();
  EXPECT_TRUE(engine.until([&] { return engine.loop.now() - opened >= std::chrono::milliseconds(30); }));
  engine.echo_of(client, "x");
  const auto spoke = engine.loop.now();
  EXPECT_TRUE(engine.until([&] { return engine.loop.now() > spoke; }));
  const auto connection = list(engine).connections.at(0);
  EXPECT_GE(connection.age, 30U);
  EXPECT_GE(connection.idle, 1U);
  EXPECT_LT(connection.idle, connection.age);
}

TEST(ConnectionList, TellsWhatIsOnItsWayToAClientThatDoesNotRead) {
  Engine engine;
  auto client = engine.connect_small();
  const auto bytes = random_bytes(std::size_t{16} << 20U);
  engine.stuff(client, bytes);
  const auto connection = list(engine).connections.at(0);
  EXPECT_GT(connection.unsent, 0U);
  EXPECT_EQ(connection.received - connection.sent, connection.unsent);
  EXPECT_GT(connection.unacknowledged, 0U);
  EXPECT_LE(connection.unacknowledged, connection.sent);
}

TEST(ConnectionList, TellsOfThoseFromOneNetworkOnly) {
  Engine engine;
  const auto client = engine.connect();
  EXPECT_EQ(list(engine, {.peers = Network::parse("127.0.0.0/8")}).connections.size(), 1U);
  EXPECT_TRUE(list(engine, {.peers = Network::parse("10.0.0.0/8")}).connections.empty());
}

TEST(ConnectionList, GoesOnWhereItStoppedUntilEachWasTold) {
  Engine engine;
  std::vector<Client> clients;
  for (std::size_t i = 0; i < 2 * kMostListed + 3; ++i) clients.push_back(engine.connect());
  std::set<std::uint16_t> ports;
  std::vector<std::size_t> pages;
  ListedMessage page;
  do {
    page = list(engine, {.place = page.next});
    pages.push_back(page.connections.size());
    for (const auto& connection : page.connections) ports.insert(connection.peer.port);
    if (page.next != 0) engine.echo_of(clients.front(), "served in between");
  } while (page.next != 0);
  EXPECT_EQ(ports.size(), clients.size());
  EXPECT_EQ(pages, (std::vector<std::size_t>{kMostListed, kMostListed, 3}));
}

TEST(ConnectionList, LooksAtNoMoreThanAPageAlsoIfFewAreWanted) {
  Engine engine;
  std::vector<Client> clients;
  for (std::size_t i = 0; i < kMostListed + 1; ++i) clients.push_back(engine.connect());
  const auto page = list(engine, {.peers = Network::parse("10.0.0.0/8")});
  EXPECT_TRUE(page.connections.empty());
  EXPECT_NE(page.next, 0U);
}

TEST(ConnectionList, PassesOverThoseThatAreOver) {
  Engine engine;
  const auto client = engine.connect();
  engine.table.close_all();
  EXPECT_TRUE(list(engine).connections.empty());
}

TEST(ConnectionList, TellsWhichConnectionsLinger) {
  auto settings = with_idle_timeout(std::chrono::milliseconds(1));
  settings.linger_timeout = std::chrono::hours(1);
  Engine engine(settings);
  auto client = engine.connect();
  EXPECT_EQ(engine.read_to_end(client), End::kFin);
  EXPECT_TRUE(list(engine).connections.at(0).is_lingering);
}

}  // namespace
}  // namespace tcp_echo::test
