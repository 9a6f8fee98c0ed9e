#include "tcp_echo/echo/acceptor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "support/engine.hpp"
#include "support/full_epoll.hpp"
#include "support/open_files.hpp"
#include "support/valgrind.hpp"
#include "tcp_echo/net/socket_options.hpp"

namespace tcp_echo::test {
namespace {

using ::testing::HasSubstr;

std::vector<Client> waiting(Engine& engine, std::size_t count) {
  std::vector<Client> clients;
  for (std::size_t i = 0; i < count; ++i) clients.emplace_back(engine.address);
  return clients;
}

bool all_open(std::vector<Client>& clients) {
  return std::all_of(clients.begin(), clients.end(), [](Client& client) { return client.is_open(); });
}

EchoSettings with_most_connections(std::size_t most) {
  auto settings = plain_settings();
  settings.most_connections = most;
  return settings;
}

TEST(Acceptor, TakesEverybodyWhoWaits) {
  Engine engine;
  auto clients = waiting(engine, 100);
  EXPECT_TRUE(engine.until([&] { return engine.table.size() == 100; }));
  for (auto& client : clients) EXPECT_EQ(engine.echo_of(client, "hello"), "hello");
  EXPECT_EQ(engine.counters.accept_pauses.get(), 0U);
}

TEST(Acceptor, TakesNoMoreThan16InATurn) {
  Engine engine;
  const auto clients = waiting(engine, 40);
  std::size_t most = 0;
  EXPECT_TRUE(engine.until([&] {
    const auto before = engine.table.size();
    uv_run(engine.loop.raw(), UV_RUN_NOWAIT);
    most = std::max(most, engine.table.size() - before);
    return engine.table.size() == 40;
  }));
  EXPECT_EQ(most, 16U);
}

TEST(Acceptor, GivesTheOptionsOfAConnectionToWhoWaitedBeforeTheListenerHadThem) {
  Engine engine;
  set_integer(engine.listener.get(), SOL_SOCKET, SO_OOBINLINE, 0);
  Client early(engine.address);
  early.send("abc");
  early.send_urgent('d');
  early.send("ef");
  set_integer(engine.listener.get(), SOL_SOCKET, SO_OOBINLINE, 1);
  engine.read_until(early, 6);
  EXPECT_EQ(early.received(), "abcdef");
}

TEST(Acceptor, HasItsConnectionsResetShouldTheProcessDieWhosoeverTheListenerIs) {
  for (const bool is_ours : {false, true}) {
    Engine engine;
    if (is_ours) reset_on_close(engine.listener.get());
    engine.begin_to_accept();
    engine.turn_some_more();  // nobody waits
    const auto late = engine.connect();
    auto* const connection = engine.table.suspend_newest();
    ASSERT_NE(connection, nullptr);
    EXPECT_TRUE(resets_on_close(connection->fd()));
    connection->resume();
  }
}

TEST(Acceptor, IsNotBotheredByClientsThatLeftTheQueue) {
  Engine engine;
  auto gone = waiting(engine, 3);
  for (auto& client : gone) client.reset();
  auto client = engine.connect();
  EXPECT_EQ(engine.echo_of(client, "hello"), "hello");
}

TEST(Acceptor, LeavesTheListenerOpenWhenItGoes) {
  Engine engine;
  engine.acceptor.reset();
  auto clients = waiting(engine, 1);
  engine.turn_some_more();
  EXPECT_TRUE(engine.table.is_empty());
  engine.begin_to_accept();
  EXPECT_EQ(engine.echo_of(clients[0], "patience"), "patience");
}

TEST(AcceptorAtItsLimit, LeavesTheRestInTheQueueAndResetsNobody) {
  Engine engine(with_most_connections(3));
  auto clients = waiting(engine, 5);
  EXPECT_TRUE(engine.until([&] { return engine.counters.accept_pauses.get() == 1; }));
  engine.turn_some_more();
  EXPECT_EQ(engine.table.size(), 3U);
  EXPECT_EQ(engine.counters.accept_pauses.get(), 1U);
  EXPECT_EQ(engine.counters.errors_for(AcceptError::kConnections).get(), 1U);
  EXPECT_TRUE(all_open(clients));
}

TEST(AcceptorAtItsLimit, TakesTheNextWhenOneCloses) {
  Engine engine(with_most_connections(3));
  auto clients = waiting(engine, 5);
  EXPECT_TRUE(engine.until([&] { return engine.counters.accept_pauses.get() == 1; }));
  clients[0].close();
  EXPECT_EQ(engine.echo_of(clients[3], "my turn"), "my turn");
  clients[1].close();
  EXPECT_EQ(engine.echo_of(clients[4], "mine too"), "mine too");
  EXPECT_EQ(engine.table.size(), 3U);
}

TEST(AcceptorAtItsLimit, SaysSoOnceInAWhileAndWhatHappensNext) {
  Engine engine(with_most_connections(1));
  auto clients = waiting(engine, 3);
  EXPECT_TRUE(engine.until([&] { return engine.counters.accept_pauses.get() == 1; }));
  clients[0].close();
  EXPECT_TRUE(engine.until([&] { return engine.counters.accept_pauses.get() == 2; }));
  EXPECT_EQ(engine.log.lines_with("accepting pauses"), 1U);
  EXPECT_THAT(engine.log.text(),
              HasSubstr("the listener: --worker-connections is reached with 1 connection open; accepting "
                        "pauses and further "
                        "clients wait in the queue, until a connection closes (1 pause so far)"));
}

TEST(AcceptorAtItsLimit, DoesNotPauseBeforeSomebodyHasToWait) {
  Engine engine(with_most_connections(2));
  const auto clients = waiting(engine, 1);
  EXPECT_TRUE(engine.until([&] { return engine.table.size() == 1; }));
  engine.turn_some_more();
  EXPECT_EQ(engine.counters.accept_pauses.get(), 0U);
}

struct AcceptorNearTheDescriptorLimit : ::testing::Test {
  static constexpr int kAbove = 700;
  static constexpr std::size_t kClients = 40;
  static EchoSettings settings() {
    auto settings = plain_settings();
    settings.descriptor_limit = next_descriptor() + 20;  // some of them are the loop's
    return settings;
  }
  AcceptorNearTheDescriptorLimit() {
    for (std::size_t i = 0; i < kClients; ++i) {
      clients.emplace_back(engine.address);
      clients.back().move_to_descriptor_above(kAbove);
    }
    EXPECT_TRUE(engine.until([&] { return engine.counters.accept_pauses.get() == 1; }));
  }
  Engine engine{settings()};
  std::vector<Client> clients;
};

TEST_F(AcceptorNearTheDescriptorLimit, LeavesTheRestInTheQueueAndResetsNobody) {
  engine.turn_some_more();
  EXPECT_GT(engine.table.size(), 0U);
  EXPECT_LT(engine.table.size(), kClients);
  EXPECT_EQ(engine.counters.accept_pauses.get(), 1U);
  EXPECT_EQ(engine.counters.errors_for(AcceptError::kDescriptors).get(), 1U);
  EXPECT_TRUE(all_open(clients));
  EXPECT_THAT(engine.log.text(), HasSubstr("the open-files limit is reached"));
}

TEST_F(AcceptorNearTheDescriptorLimit, ServesEverybodyInTheEndAsOthersLeave) {
  for (auto& client : clients) {
    ASSERT_EQ(engine.echo_of(client, "hello"), "hello");
    client.close();
  }
  EXPECT_TRUE(engine.until_closed(CloseReason::kClient, kClients));
}

TEST(AcceptorOutOfDescriptors, PausesAndServesWhoWaitedWhenThereAreSomeAgain) {
  if (runs_under_valgrind())
    GTEST_SKIP() << "Valgrind plays the limit itself: it accepts, and closes the client";
  Engine engine;
  auto clients = waiting(engine, 3);
  {
    const LowOpenFilesLimit now(next_descriptor());  // the next accept4 fails with EMFILE
    EXPECT_TRUE(engine.until([&] { return engine.counters.accept_pauses.get() == 1; }));
    engine.turn_some_more();
    EXPECT_EQ(engine.counters.accept_pauses.get(), 1U) << "counted once per pause";
    EXPECT_EQ(engine.counters.errors_for(AcceptError::kDescriptors).get(), 1U);
    EXPECT_TRUE(engine.table.is_empty());
    EXPECT_TRUE(all_open(clients));
    EXPECT_THAT(engine.log.text(), HasSubstr("the listener: accept4: Too many open files with 0 connections "
                                             "open; accepting pauses and further clients wait "
                                             "in the queue, next try in 500ms (1 pause so far)"));
  }
  for (auto& client : clients) EXPECT_EQ(engine.echo_of(client, "at last"), "at last");
}

TEST(AcceptorOutOfDescriptors, TriesAgainAtOnceWhenAConnectionCloses) {
  if (runs_under_valgrind())
    GTEST_SKIP() << "Valgrind plays the limit itself: it accepts, and closes the client";
  Engine engine;
  auto first = engine.connect();
  auto clients = waiting(engine, 2);
  const LowOpenFilesLimit now(next_descriptor());  // the next accept4 fails with EMFILE
  EXPECT_TRUE(engine.until([&] { return engine.counters.accept_pauses.get() == 1; }));
  first.half_close();  // and keep the client's own descriptor
  EXPECT_EQ(engine.echo_of(clients[0], "my turn"), "my turn");
  EXPECT_TRUE(all_open(clients));
}

TEST(AcceptorThatIsHeld, LeavesWhoWaitsToOthers) {
  Engine engine;
  engine.acceptor->hold();
  auto clients = waiting(engine, 3);
  engine.turn_some_more();
  EXPECT_TRUE(engine.table.is_empty());
  for (auto& client : clients) EXPECT_TRUE(client.is_open());
}

TEST(AcceptorThatIsHeld, StaysSoWhenAConnectionCloses) {
  Engine engine(with_most_connections(1));
  auto clients = waiting(engine, 2);
  EXPECT_TRUE(engine.until([&] { return engine.counters.accept_pauses.get() == 1; }));
  engine.acceptor->hold();
  clients[0].close();
  EXPECT_TRUE(engine.until_closed(CloseReason::kClient));
  engine.turn_some_more();
  EXPECT_TRUE(engine.table.is_empty());
}

TEST(AcceptorThatIsHeld, TakesWhoHasWaitedWhenItGoesOn) {
  Engine engine;
  engine.acceptor->hold();
  auto clients = waiting(engine, 3);
  engine.turn_some_more();
  EXPECT_TRUE(engine.table.is_empty());
  engine.acceptor->go_on();
  for (auto& client : clients) EXPECT_EQ(engine.echo_of(client, "at last"), "at last");
}

TEST(AcceptorThatIsHeld, GoesOnAlsoWhenItHadPausedBefore) {
  Engine engine(with_most_connections(1));
  auto clients = waiting(engine, 2);
  EXPECT_TRUE(engine.until([&] { return engine.counters.accept_pauses.get() == 1; }));
  engine.acceptor->hold();
  clients[0].close();
  EXPECT_TRUE(engine.until([&] { return engine.table.is_empty(); }));
  engine.acceptor->go_on();
  EXPECT_EQ(engine.echo_of(clients[1], "at last"), "at last");
}

TEST(AcceptorThatIsHeld, WaitsForTheKernelToHaveRoomForItsPollWhenItGoesOn) {
  Engine engine;
  const auto served = engine.connect();  // by now libuv has had its own descriptors added
  engine.acceptor->hold();
  auto clients = waiting(engine, 1);
  {
    const FullEpoll full;
    engine.acceptor->go_on();
    engine.turn_some_more();
    EXPECT_EQ(engine.log.lines_with("accepting pauses and further clients wait in the queue"), 1U);
  }
  EXPECT_EQ(engine.echo_of(clients[0], "at last"), "at last");
}

TEST(AcceptorThatIsHeld, MayBeHeldAgain) {
  Engine engine;
  engine.acceptor->hold();
  engine.acceptor->go_on();
  auto first = engine.connect();
  engine.acceptor->hold();
  const auto clients = waiting(engine, 1);
  engine.turn_some_more();
  EXPECT_EQ(engine.table.size(), 1U);
  EXPECT_EQ(engine.echo_of(first, "served on"), "served on");
}

TEST(AcceptorThatIsHeld, CanStillFinish) {
  Engine engine;
  engine.acceptor->hold();
  auto clients = waiting(engine, 3);
  bool finished = false;
  engine.acceptor->finish([&] { finished = true; });
  EXPECT_TRUE(engine.until([&] { return finished; }));
  for (auto& client : clients) EXPECT_EQ(engine.echo_of(client, "made it"), "made it");
}

TEST(AcceptorThatFinishes, TakesWhoIsWaitingAndThoseWhoComeLateUntilItLetsGo) {
  Engine engine;
  auto clients = waiting(engine, 30);
  bool finished = false;
  engine.acceptor->finish([&] { finished = true; });
  EXPECT_FALSE(finished) << "a handshake may be under way";
  EXPECT_TRUE(engine.until([&] { return finished; }));
  EXPECT_TRUE(engine.acceptor->is_finished());
  EXPECT_EQ(engine.table.size(), 30U);
  auto late = waiting(engine, 1);
  EXPECT_EQ(engine.echo_of(late[0], "a long way"), "a long way");
  engine.acceptor->let_go();
  auto too_late = waiting(engine, 1);
  engine.turn_some_more();
  EXPECT_EQ(engine.table.size(), 31U);
  EXPECT_TRUE(too_late[0].is_open()) << "the listener is the master's, which does not close it";
  for (auto& client : clients) EXPECT_EQ(engine.echo_of(client, "made it"), "made it");
}

void send_with_hops(const Client& client, int hops) { set_integer(client.fd(), IPPROTO_IP, IP_TTL, hops); }

TEST(AcceptorThatFinishes, HearsOutWhoInheritedADeafEar) {
  Engine engine;
  set_integer(engine.listener.get(), IPPROTO_IP, IP_MINTTL, 255);
  engine.acceptor->hold();
  auto clients = std::vector<Client>();
  // As a handshake that was under way when the listener closed its ears: it gets through, what follows does
  // not.
  clients.emplace_back(engine.address, 0, 255);
  send_with_hops(clients[0], 64);
  clients[0].send("hello");
  bool finished = false;
  engine.acceptor->finish([&] { finished = true; });
  EXPECT_TRUE(engine.until([&] {
    clients[0].read_some();
    return clients[0].received() == "hello";
  })) << "it did not hear its client";
  EXPECT_TRUE(engine.until([&] { return finished; }));
}

TEST(AcceptorThatHasLetGo, DoesNotTouchAClientThatGotItsDescriptorsNumber) {
  Engine engine;
  const int number = engine.acceptor->listener();
  engine.acceptor->let_go();
  TcpPair pair;
  UniqueFd server(::dup3(pair.server.get(), number, O_CLOEXEC));
  ASSERT_EQ(server.get(), number) << "the listener was closed";
  pair.server.reset();
  engine.table.add(std::move(server), engine.echo);
  ASSERT_EQ(engine.echo_of(pair.client, "heard"), "heard");
  engine.acceptor->hold();
  engine.acceptor->go_on();
  engine.acceptor->on_room();
  EXPECT_EQ(engine.echo_of(pair.client, "still heard"), "still heard");
  engine.acceptor.reset();
  engine.turn_some_more();
  EXPECT_EQ(engine.echo_of(pair.client, "and once more"), "and once more");
}

TEST(AcceptorThatFinishes, TakesWhoComesMeanwhile) {
  Engine engine;
  bool finished = false;
  engine.acceptor->finish([&] { finished = true; });
  auto clients = waiting(engine, 3);
  EXPECT_TRUE(engine.until([&] { return finished; }));
  for (auto& client : clients) EXPECT_EQ(engine.echo_of(client, "made it"), "made it");
}

TEST(AcceptorThatFinishes, KeepsToItsLimitAndIsNotDoneWhileSomebodyWaits) {
  Engine engine(with_most_connections(2));
  auto clients = waiting(engine, 4);
  bool finished = false;
  engine.acceptor->finish([&] { finished = true; });
  EXPECT_TRUE(engine.until([&] { return engine.counters.accept_pauses.get() > 0; }));
  EXPECT_EQ(engine.table.size(), 2U);
  EXPECT_FALSE(finished);
  clients[0].close();
  clients[1].close();
  for (std::size_t i = 2; i < clients.size(); ++i)
    EXPECT_EQ(engine.echo_of(clients[i], "made it"), "made it");
  clients[2].close();
  EXPECT_TRUE(engine.until([&] { return finished; }));
}

TEST(AcceptorThatFinishes, TakesWhoWaitedAtTheLimitWhenAConnectionCloses) {
  Engine engine(with_most_connections(1));
  auto clients = waiting(engine, 2);
  EXPECT_TRUE(engine.until([&] { return engine.counters.accept_pauses.get() == 1; }));
  engine.acceptor->finish([] {});
  clients[0].close();
  EXPECT_TRUE(engine.until_closed(CloseReason::kClient));
  EXPECT_EQ(engine.echo_of(clients[1], "made it"), "made it");
}

}  // namespace
}  // namespace tcp_echo::test
