#include "tcp_echo/echo/acceptor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <vector>

#include "support/engine.hpp"
#include "support/valgrind.hpp"

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

/// Takes every descriptor away from the kernel's view: the next accept4 fails with EMFILE.
class OutOfDescriptors {
 public:
  OutOfDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    auto tight = before_;
    tight.rlim_cur = static_cast<rlim_t>(next_descriptor());
    ::setrlimit(RLIMIT_NOFILE, &tight);
  }
  OutOfDescriptors(const OutOfDescriptors&) = delete;
  OutOfDescriptors& operator=(const OutOfDescriptors&) = delete;
  ~OutOfDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST(AcceptorOutOfDescriptors, PausesAndServesWhoWaitedWhenThereAreSomeAgain) {
  if (runs_under_valgrind())
    GTEST_SKIP() << "Valgrind plays the limit itself: it accepts, and closes the client";
  Engine engine;
  auto clients = waiting(engine, 3);
  {
    const OutOfDescriptors now;
    EXPECT_TRUE(engine.until([&] { return engine.counters.accept_pauses.get() == 1; }));
    engine.turn_some_more();
    EXPECT_EQ(engine.counters.accept_pauses.get(), 1U) << "counted once per pause";
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
  const OutOfDescriptors now;
  EXPECT_TRUE(engine.until([&] { return engine.counters.accept_pauses.get() == 1; }));
  first.half_close();  // and keep the client's own descriptor
  EXPECT_EQ(engine.echo_of(clients[0], "my turn"), "my turn");
  EXPECT_TRUE(all_open(clients));
}

TEST(AcceptorThatFinishes, TakesWhoIsWaitingAndNobodyAfterwards) {
  Engine engine;
  auto clients = waiting(engine, 30);
  engine.acceptor->finish();
  EXPECT_EQ(engine.table.size(), 30U);
  auto late = waiting(engine, 1);
  engine.turn_some_more();
  EXPECT_EQ(engine.table.size(), 30U);
  EXPECT_TRUE(late[0].is_open()) << "the listener is the master's, which does not close it";
  for (auto& client : clients) EXPECT_EQ(engine.echo_of(client, "made it"), "made it");
}

TEST(AcceptorThatFinishes, StillKeepsToItsLimit) {
  Engine engine(with_most_connections(2));
  const auto clients = waiting(engine, 4);
  engine.acceptor->finish();
  EXPECT_EQ(engine.table.size(), 2U);
}

TEST(AcceptorThatFinishes, TakesWhoWaitedAtTheLimitWhenAConnectionCloses) {
  Engine engine(with_most_connections(1));
  auto clients = waiting(engine, 2);
  EXPECT_TRUE(engine.until([&] { return engine.counters.accept_pauses.get() == 1; }));
  engine.acceptor->finish();
  clients[0].close();
  EXPECT_TRUE(engine.until_closed(CloseReason::kClient));
  EXPECT_EQ(engine.echo_of(clients[1], "made it"), "made it");
}

}  // namespace
}  // namespace tcp_echo::test
