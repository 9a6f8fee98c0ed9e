// A connection on its way to another worker.
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "support/engine.hpp"
#include "support/full_epoll.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

UniqueFd copy_of(int fd) { return UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0)); }

/// Whether the kernel would tell the loop of that descriptor: proc(5), /proc/PID/fdinfo.
bool is_polled(Loop& loop, int fd) {
  std::ifstream info("/proc/self/fdinfo/" + std::to_string(uv_backend_fd(loop.raw())));
  std::string word;
  int number = -1;
  while (info >> word) {
    if (word == "tfd:" && info >> number && number == fd) return true;
  }
  return false;
}

constexpr auto kIdleTimeout = 100ms;

struct ConnectionThatIsSuspended : ::testing::Test {
  void suspend() {
    connection = engine.table.suspend_newest();
    ASSERT_NE(connection, nullptr);
  }

  Engine engine;
  Connection* connection = nullptr;
};

TEST_F(ConnectionThatIsSuspended, ReadsNothingUntilItIsResumed) {
  auto client = engine.connect();
  suspend();
  client.send("hello");
  EXPECT_TRUE(engine.until([&] { return unread_bytes(connection->fd()) == 5; }));
  engine.turn_some_more();
  EXPECT_EQ(engine.counters.received_bytes.get(), 0U);
  connection->resume();
  engine.read_until(client, 5);
  EXPECT_EQ(client.received(), "hello");
}

TEST_F(ConnectionThatIsSuspended, SendsNothingUntilItIsResumed) {
  auto client = engine.connect_small();
  const auto bytes = random_bytes(1UL << 20);
  const auto sent = engine.stuff(client, bytes);
  suspend();
  const auto before = engine.counters.sent_bytes.get();
  EXPECT_TRUE(engine.until([&] {
    client.read_some();
    return client.received().size() == before;
  }));
  engine.turn_some_more();
  EXPECT_EQ(engine.counters.sent_bytes.get(), before);
  connection->resume();
  engine.read_until(client, sent);
  EXPECT_TRUE(client.received() == bytes.substr(0, sent)) << client.received().size() << " of " << sent;
}

TEST_F(ConnectionThatIsSuspended, IsForgottenByTheKernelUntilItIsResumed) {
  auto client = engine.connect();
  EXPECT_EQ(engine.echo_of(client, "x"), "x");
  suspend();
  EXPECT_FALSE(is_polled(engine.loop, connection->fd()));
  connection->resume();
  EXPECT_EQ(engine.echo_of(client, "x"), "x");
  EXPECT_TRUE(is_polled(engine.loop, connection->fd()));
}

TEST_F(ConnectionThatIsSuspended, IsResetIfTheKernelHasNoRoomToPollItAgain) {
  auto client = engine.connect();
  suspend();
  const FullEpoll full;
  connection->resume();
  EXPECT_TRUE(engine.until_closed(CloseReason::kLimit));
  EXPECT_EQ(engine.read_to_end(client), End::kReset);
}

TEST_F(ConnectionThatIsSuspended, HearsOfItsClientsEndWhenItIsResumed) {
  auto client = engine.connect();
  suspend();
  client.reset();
  engine.turn_some_more();
  EXPECT_EQ(engine.counters.all_closed(), 0U);
  connection->resume();
  EXPECT_TRUE(engine.until_closed(CloseReason::kReset));
}

TEST_F(ConnectionThatIsSuspended, KeepsTheTimeOfItsLastActivity) {
  auto client = engine.connect();
  engine.echo_of(client, "x");
  suspend();
  const auto before = connection->last_activity();
  EXPECT_TRUE(engine.until([&] { return engine.loop.now() > before; }));
  connection->resume();
  EXPECT_EQ(connection->last_activity(), before);
}

TEST(IdleConnectionThatIsSuspended, IsNotClosedUntilItIsResumed) {
  Engine engine(with_idle_timeout(kIdleTimeout));
  auto client = engine.connect();
  auto* const connection = engine.table.suspend_newest();
  ASSERT_NE(connection, nullptr);
  const auto start = engine.loop.now();
  EXPECT_TRUE(engine.until([&] { return engine.loop.now() - start > 2 * kIdleTimeout; }));
  EXPECT_TRUE(client.is_open());
  connection->resume();
  EXPECT_EQ(engine.read_to_end(client), End::kFin);
}

TEST(IdleConnectionThatIsSuspended, LingersOnWhenItIsResumed) {
  Engine engine(with_idle_timeout(kIdleTimeout));
  auto client = engine.connect();
  EXPECT_EQ(engine.read_to_end(client), End::kFin);
  auto* const connection = engine.table.suspend_newest();
  ASSERT_NE(connection, nullptr);
  EXPECT_EQ(connection->state().phase, ConnectionState::Phase::kLingering);
  connection->resume();
  client.close();
  EXPECT_TRUE(engine.until_closed(CloseReason::kIdle));
}

struct ConnectionThatIsReleased : ConnectionThatIsSuspended {
  /// The other worker has its descriptor by then.
  void release() {
    others = copy_of(connection->fd());
    connection->release();
    EXPECT_TRUE(engine.until([this] { return engine.table.is_empty(); }));
  }

  UniqueFd others;
};

TEST_F(ConnectionThatIsReleased, IsNoMoreInThisTable) {
  const auto client = engine.connect();
  suspend();
  release();
  EXPECT_EQ(engine.counters.handed_over_out.get(), 1U);
  EXPECT_EQ(engine.counters.all_closed(), 0U);
  EXPECT_EQ(engine.counters.active(), 0U);
}

TEST_F(ConnectionThatIsReleased, IsNotNoticedByItsClient) {
  auto client = engine.connect();
  suspend();
  client.send("unread");
  EXPECT_TRUE(engine.until([&] { return unread_bytes(connection->fd()) == 6; }));
  release();
  engine.turn_some_more();
  EXPECT_TRUE(client.is_open());
  EXPECT_EQ(unread_bytes(others.get()), 6U);
  ASSERT_EQ(::send(others.get(), "hello", 5, MSG_NOSIGNAL), 5);
  engine.read_until(client, 5);
  EXPECT_EQ(client.received(), "hello");
}

TEST_F(ConnectionThatIsReleased, IsNotResetForWhatItHadUnsent) {
  auto client = engine.connect_small();
  engine.stuff(client, random_bytes(1UL << 20));
  suspend();
  release();
  engine.read_until(client, engine.counters.sent_bytes.get());
  engine.turn_some_more();
  EXPECT_TRUE(client.is_open());
}

}  // namespace
}  // namespace tcp_echo::test
