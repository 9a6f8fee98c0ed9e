#include "tcp_echo/net/accept_queue.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <vector>

#include "support/sockets.hpp"
#include "support/wait.hpp"

namespace tcp_echo::test {
namespace {

TEST(AcceptQueueOfAListener, HoldsThoseThatNobodyHasAccepted) {
  const TcpPair pair({.backlog = 8});
  EXPECT_EQ(accept_queue_of(pair.listener.get()).waiting, 0U);
  const auto server = value_or_throw(local_endpoint(pair.listener.get()));
  const Client one(server);
  const Client other(server);
  EXPECT_EQ(accept_queue_of(pair.listener.get()).waiting, 2U);
  EXPECT_EQ(accept_queue_of(pair.listener.get()).limit, 8U);
}

TEST(AcceptQueueOfAListener, IsEmptyWhereThereIsNone) {
  EXPECT_EQ(accept_queue_of(-1).waiting, 0U);
  EXPECT_EQ(accept_queue_of(-1).limit, 0U);
}

TEST(ListenCounters, AreFoundByTheirNames) {
  std::istringstream netstat(
      "IpExt: InNoRoutes ListenDrops\n"
      "IpExt: 1 2\n"
      "TcpExt: SyncookiesSent ListenOverflows EmbryonicRsts ListenDrops\n"
      "TcpExt: 10 11 12 13\n");
  EXPECT_EQ(parse_listen_counters(netstat), (ListenCounters{11, 13}));
}

TEST(ListenCounters, AreZeroWhereTheKernelDoesNotSay) {
  for (const auto* const text :
       {"", "TcpExt: ListenDrops\n", "TcpExt: ListenDrops\nTcpExt: many\n", "TcpExt:\nTcpExt:\n"}) {
    std::istringstream netstat(text);
    EXPECT_EQ(parse_listen_counters(netstat), ListenCounters{}) << text;
  }
}

TEST(ListenCounters, GrowWhenAClientFindsTheQueueFull) {
  const TcpPair pair({.backlog = 1});
  const auto server = value_or_throw(local_endpoint(pair.listener.get()));
  const auto before = read_listen_counters();
  std::vector<Attempt> clients;
  clients.reserve(4);
  for (int i = 0; i < 4; ++i) clients.emplace_back(server);
  EXPECT_TRUE(eventually([&] { return read_listen_counters().overflows > before.overflows; }));
  EXPECT_GT(read_listen_counters().drops, before.drops);
}

}  // namespace
}  // namespace tcp_echo::test
