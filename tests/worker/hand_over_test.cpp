#include "worker/hand_over.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "support/open_files.hpp"
#include "support/two_workers.hpp"
#include "support/valgrind.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kShortTimeout = 100ms;

EchoSettings with_linger_timeout(std::chrono::milliseconds timeout) {
  auto settings = plain_settings();
  settings.linger_timeout = timeout;
  return settings;
}

ConnectionState with_unsent(std::string_view bytes, std::chrono::milliseconds last_activity) {
  ConnectionState state;
  state.opened_at = last_activity;
  state.last_activity = last_activity;
  state.received_bytes = bytes.size();
  state.unsent.bytes = std::make_unique<std::byte[]>(bytes.size());
  std::memcpy(state.unsent.bytes.get(), bytes.data(), bytes.size());
  state.unsent.end = static_cast<std::uint32_t>(bytes.size());
  return state;
}

/// Everything that came in has gone out again, by whichever of the two.
void expect_all_sent(TwoWorkers& workers) {
  const auto& one = workers.predecessor.counters;
  const auto& other = workers.successor.counters;
  EXPECT_EQ(one.received_bytes.get() + other.received_bytes.get(),
            one.sent_bytes.get() + other.sent_bytes.get());
}

TEST(HandOver, LetsAnIdleConnectionGoOnAtTheSuccessor) {
  TwoWorkers workers;
  auto client = workers.connect();
  EXPECT_EQ(workers.echo_of(client, "before"), "before");
  workers.hand_over();
  ASSERT_TRUE(workers.until_moved());
  EXPECT_EQ(workers.successor.table.size(), 1U);
  EXPECT_EQ(workers.echo_of(client, "after"), "after");
  EXPECT_EQ(workers.predecessor.counters.received_bytes.get(), 6U);
  EXPECT_EQ(workers.successor.counters.received_bytes.get(), 5U);
}

TEST(HandOver, LeavesBytesThatWaitInTheKernelToTheSuccessor) {
  TwoWorkers workers;
  auto client = workers.connect();
  client.send("waiting");
  workers.hand_over();
  EXPECT_TRUE(read_until(workers.loop, client, 7));
  EXPECT_EQ(client.received(), "waiting");
  EXPECT_EQ(workers.predecessor.counters.received_bytes.get(), 0U);
  EXPECT_EQ(workers.successor.counters.received_bytes.get(), 7U);
}

TEST(HandOver, BringsEveryByteOnceAndInOrderToAClientThatDidNotRead) {
  TwoWorkers workers;
  auto client = workers.connect_small();
  const auto bytes = random_bytes(1UL << 20);
  const auto sent = stuff(workers.loop, workers.predecessor.counters, client, bytes);
  const auto& counters = workers.predecessor.counters;
  ASSERT_GT(counters.received_bytes.get(), counters.sent_bytes.get()) << "nothing is unsent";
  workers.hand_over();
  ASSERT_TRUE(workers.until_moved());
  EXPECT_TRUE(read_until(workers.loop, client, sent));
  EXPECT_TRUE(client.received() == bytes.substr(0, sent)) << client.received().size() << " of " << sent;
  expect_all_sent(workers);
  EXPECT_EQ(workers.echo_of(client, "and now?"), "and now?");
}

TEST(HandOver, BringsEveryByteWhenItHappensAgainAndAgainInTheMiddleOfAStream) {
  TwoWorkers workers;
  auto client = workers.connect_small();
  const auto bytes = random_bytes(1UL << 20);
  std::size_t sent = 0;
  auto* from = &workers.predecessor.table;
  auto* to = &workers.successor.table;
  for (int i = 0; i < 50; ++i, std::swap(from, to)) {
    sent += client.send_some(std::string_view(bytes).substr(sent));
    client.read_some(10'000);
    turn(workers.loop);
    auto [one, other] = value_or_throw(make_channel_pair());
    const TakeOver taking(workers.loop, std::move(one), *to, workers.echo,
                          {.on_taken = [] {}, .on_over = [] {}});
    const HandOver giving(workers.loop, std::move(other), *from, [] { FAIL(); });
    ASSERT_TRUE(workers.until([&] { return from->is_empty(); }));
  }
  EXPECT_TRUE(read_until(workers.loop, client, sent));
  EXPECT_TRUE(client.received() == bytes.substr(0, sent)) << client.received().size() << " of " << sent;
  EXPECT_EQ(workers.predecessor.counters.handed_over_out.get(), 25U);
}

TEST(HandOver, LeavesTheEndOfAHalfClosedStreamToTheSuccessor) {
  TwoWorkers workers;
  auto client = workers.connect();
  client.send("last words");
  client.half_close();
  workers.hand_over();
  EXPECT_EQ(read_to_end(workers.loop, client), End::kFin);
  EXPECT_EQ(client.received(), "last words");
  EXPECT_EQ(workers.predecessor.counters.all_closed(), 0U);
  EXPECT_EQ(workers.successor.closed(CloseReason::kClient), 1U);
}

TEST(HandOver, EndsAHalfClosedStreamAfterWhatWasUnsent) {
  TwoWorkers workers;
  auto client = workers.connect_small();
  const auto bytes = random_bytes(1UL << 20);
  const auto sent = stuff(workers.loop, workers.predecessor.counters, client, bytes);
  client.half_close();
  workers.hand_over();
  ASSERT_TRUE(workers.until_moved());
  EXPECT_EQ(read_to_end(workers.loop, client), End::kFin);
  EXPECT_TRUE(client.received() == bytes.substr(0, sent)) << client.received().size() << " of " << sent;
  EXPECT_EQ(workers.successor.closed(CloseReason::kClient), 1U);
}

TEST(HandOver, LetsAConnectionLingerAtTheSuccessorAndBeResetThere) {
  TwoWorkers workers(with_idle_timeout(kShortTimeout), with_linger_timeout(kShortTimeout));
  auto client = workers.connect();
  ASSERT_EQ(read_to_end(workers.loop, client), End::kFin);
  workers.hand_over();
  EXPECT_TRUE(workers.until([&] { return workers.successor.closed(CloseReason::kIdle) == 1; }));
  EXPECT_TRUE(workers.until([&] { return option_of(client.fd(), SOL_SOCKET, SO_ERROR) != 0; }));
  EXPECT_EQ(workers.predecessor.counters.all_closed(), 0U);
}

TEST(HandOver, KeepsTheReasonForWhichAConnectionLingers) {
  TwoWorkers workers;
  auto client = workers.connect();
  workers.predecessor.table.drain();
  ASSERT_EQ(read_to_end(workers.loop, client), End::kFin);
  workers.hand_over();
  ASSERT_TRUE(workers.until_moved());
  client.close();
  EXPECT_TRUE(workers.until([&] { return workers.successor.counters.all_closed() == 1; }));
  EXPECT_EQ(workers.successor.closed(CloseReason::kDrain), 1U);
}

TEST(HandOver, GivesALingeringConnectionNoMoreThanTheRestOfItsTime) {
  constexpr auto kRest = 50ms;
  TwoWorkers workers(with_linger_timeout(2min), with_linger_timeout(1min));
  ConnectionState state;
  state.phase = ConnectionState::Phase::kLingering;
  state.reason = CloseReason::kIdle;
  state.last_activity = workers.loop.now() + kRest - 1min;
  const auto client = workers.connect_in(std::move(state));
  workers.hand_over();
  ASSERT_TRUE(workers.until_moved());
  EXPECT_TRUE(workers.until([&] { return workers.successor.closed(CloseReason::kIdle) == 1; }));
}

TEST(HandOver, LetsALingeringConnectionGoWhereNoneShallLinger) {
  TwoWorkers workers(with_idle_timeout(kShortTimeout), with_linger_timeout(0ms));
  auto client = workers.connect();
  ASSERT_EQ(read_to_end(workers.loop, client), End::kFin);
  workers.hand_over();
  EXPECT_TRUE(workers.until([&] { return workers.successor.closed(CloseReason::kIdle) == 1; }));
}

TEST(HandOver, GivesAnIdleConnectionNoMoreThanTheRestOfItsTime) {
  constexpr auto kTimeout = 1000ms;
  constexpr auto kAge = 900ms;
  TwoWorkers workers(with_idle_timeout(0ms), with_idle_timeout(kTimeout));
  auto client = workers.connect();
  const auto quiet_since = workers.loop.now();
  ASSERT_TRUE(workers.until([&] { return workers.loop.now() - quiet_since >= kAge; }));
  workers.hand_over();
  const auto moved_at = workers.loop.now();
  EXPECT_EQ(read_to_end(workers.loop, client), End::kFin);
  EXPECT_GE(workers.loop.now() - quiet_since, kTimeout);
  EXPECT_LT(workers.loop.now() - moved_at, kTimeout) << "its time began anew";
}

TEST(HandOver, BalancesTheLedgersOfBoth) {
  TwoWorkers workers;
  auto clients = workers.connect_many(5);
  clients[0].close();
  ASSERT_TRUE(workers.until([&] { return workers.predecessor.table.size() == 4; }));
  workers.hand_over();
  ASSERT_TRUE(workers.until_moved());
  EXPECT_EQ(workers.predecessor.counters.accepted.get(), 5U);
  EXPECT_EQ(workers.predecessor.counters.handed_over_out.get(), 4U);
  EXPECT_EQ(workers.predecessor.counters.active(), 0U);
  EXPECT_EQ(workers.successor.counters.accepted.get(), 0U);
  EXPECT_EQ(workers.successor.counters.handed_over_in.get(), 4U);
  EXPECT_EQ(workers.successor.counters.active(), 4U);
  clients[1].close();
  EXPECT_TRUE(workers.until([&] { return workers.successor.table.size() == 3; }));
  EXPECT_EQ(workers.successor.counters.active(), 3U);
}

TEST(HandOver, CarriesWhatTheConnectionHasCountedAndWhereItWasAccepted) {
  TwoWorkers workers;
  auto client = workers.connect();
  const auto opened_at = workers.loop.now();
  EXPECT_EQ(workers.echo_of(client, "0123456789"), "0123456789");
  ASSERT_TRUE(workers.until([&] { return workers.loop.now() > opened_at; }));
  workers.hand_over();
  ASSERT_TRUE(workers.until_moved());
  auto* const moved = workers.successor.table.suspend_newest();
  ASSERT_NE(moved, nullptr);
  EXPECT_EQ(moved->state().received_bytes, 10U);
  EXPECT_EQ(moved->state().sent_bytes, 10U);
  EXPECT_EQ(moved->state().opened_at, opened_at);
  EXPECT_EQ(moved->state().listener, TwoWorkers::kListener);
  moved->resume();
}

TEST(HandOver, BringsManyInSeveralBatches) {
  TwoWorkers workers;
  auto clients = workers.connect_many(100);
  workers.hand_over();
  ASSERT_TRUE(workers.until_moved());
  EXPECT_EQ(workers.taken, 4);
  EXPECT_EQ(workers.successor.table.size(), 100U);
  workers.expect_echoes(clients);
}

TEST(HandOver, BringsManyThatHaveABufferfulUnsent) {
  TwoWorkers workers;
  const auto bytes = random_bytes(kReadBufferSize);
  std::vector<Client> clients;
  clients.reserve(40);
  for (int i = 0; i < 40; ++i) clients.push_back(workers.connect_in(with_unsent(bytes, workers.loop.now())));
  workers.hand_over();
  ASSERT_TRUE(workers.until_moved());
  for (auto& client : clients) {
    EXPECT_TRUE(read_until(workers.loop, client, bytes.size()));
    EXPECT_TRUE(client.received() == bytes) << client.received().size();
  }
  EXPECT_EQ(workers.successor.table.size(), 40U);
}

// As on a machine where net.core.wmem_max is very small.
TEST(HandOver, ThroughAChannelThatCannotCarryABufferfulMovesWhatHasLessAndServesTheOthersOn) {
  TwoWorkers workers;
  const auto bytes = random_bytes(kReadBufferSize);
  auto [its_client, server] = workers.pair(Engine::kSmallBuffer);
  auto client = std::move(its_client);
  fill(server.get());
  auto state = with_unsent(bytes, workers.loop.now());
  ConnectionTable::Arrivals arrivals(workers.predecessor.table);
  ASSERT_NE(workers.predecessor.table.adopt(std::move(server), workers.echo, std::move(state), arrivals),
            nullptr);
  auto others = workers.connect_many(40);
  auto [one, other] = value_or_throw(make_channel_pair());
  set_integer(other.get(), SOL_SOCKET, SO_SNDBUF, 1);
  workers.take(std::move(one));
  workers.give(std::move(other));
  ASSERT_TRUE(workers.until([&] { return workers.predecessor.table.size() == 1; }));
  workers.expect_echoes(others);
  workers.turn_some_more();
  EXPECT_EQ(workers.predecessor.table.size(), 1U);
  EXPECT_TRUE(workers.until([&] {
    client.read_some();
    return workers.predecessor.table.is_empty();
  })) << "it moves once it has less";
  EXPECT_TRUE(workers.until([&] {
    client.read_some();
    return client.received().ends_with(bytes);
  }));
  EXPECT_EQ(workers.broken, 0);
}

TEST(HandOver, SendsABufferfulOfUnsentBytesAlone) {
  TwoWorkers workers;
  const auto bytes = random_bytes(kReadBufferSize);
  const auto one = workers.connect_in(with_unsent(bytes, workers.loop.now()));
  const auto other = workers.connect_in(with_unsent("x", workers.loop.now() - 1ms));
  auto peer = workers.hand_over_by_hand();
  ASSERT_TRUE(peer.hear());
  const auto& batch = peer.last<HandOverMessage>();
  ASSERT_EQ(batch.connections.size(), 1U);
  EXPECT_TRUE(batch.connections[0].unsent == bytes);
}

TEST(HandOver, PutsNoMoreUnsentBytesIntoOneMessageThanOneConnectionCanHave) {
  TwoWorkers workers;
  const auto bytes = random_bytes(20'000);
  std::vector<Client> clients;
  clients.reserve(5);
  for (int i = 0; i < 5; ++i) clients.push_back(workers.connect_in(with_unsent(bytes, workers.loop.now())));
  auto peer = workers.hand_over_by_hand();
  std::vector<std::size_t> sizes;
  while (workers.predecessor.table.size() > 0) {
    ASSERT_TRUE(workers.until([&] { return peer.hear(); }));
    sizes.push_back(peer.last<HandOverMessage>().connections.size());
    peer.say(TakenOverMessage{0xffffffff});
    const auto left = workers.predecessor.table.size() - sizes.back();
    ASSERT_TRUE(workers.until([&] { return workers.predecessor.table.size() == left; }));
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{3, 2}));
}

TEST(HandOver, GoesOnWithAConnectionThatCameLater) {
  TwoWorkers workers;
  auto first = workers.connect();
  workers.hand_over();
  ASSERT_TRUE(workers.until_moved());
  auto late = workers.connect();
  workers.giving->go_on();
  ASSERT_TRUE(workers.until_moved());
  EXPECT_EQ(workers.successor.table.size(), 2U);
  EXPECT_EQ(workers.echo_of(late, "late"), "late");
  EXPECT_EQ(workers.echo_of(first, "first"), "first");
}

TEST(HandOver, OfNothingAsksNothing) {
  TwoWorkers workers;
  auto peer = workers.hand_over_by_hand();
  workers.turn_some_more();
  EXPECT_FALSE(peer.hear());
  EXPECT_EQ(workers.broken, 0);
}

TEST(HandOver, TellsTheSuccessorThatNoMoreComesWhenItGoes) {
  TwoWorkers workers;
  const auto client = workers.connect();
  workers.hand_over();
  ASSERT_TRUE(workers.until_moved());
  EXPECT_EQ(workers.over, 0);
  workers.giving.reset();
  EXPECT_TRUE(workers.until([&] { return workers.over == 1; }));
}

TEST(HandOver, ToASuccessorWithoutRoomLosesNobody) {
  if (runs_under_valgrind()) GTEST_SKIP() << "Valgrind plays the limit itself";
  TwoWorkers workers;
  auto clients = workers.connect_many(3);
  workers.hand_over();
  {
    const LowOpenFilesLimit tight(next_descriptor() + 2);  // too few for the three
    EXPECT_TRUE(workers.until([&] { return workers.broken > 0; }));
  }
  EXPECT_EQ(workers.predecessor.table.size(), 3U);
  EXPECT_TRUE(workers.successor.table.is_empty());
  EXPECT_EQ(workers.predecessor.counters.handed_over_out.get(), 0U);
  workers.expect_echoes(clients);
}

}  // namespace
}  // namespace tcp_echo::test
