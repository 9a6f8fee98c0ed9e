#include "tcp_echo/listeners/accept_queues.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>

#include "support/listen_config.hpp"
#include "support/sockets.hpp"
#include "tcp_echo/net/accept_queue.hpp"

namespace tcp_echo::test {
namespace {

TEST(AcceptQueues, AreThoseOfAllSlotsAndTheFullestIsNamed) {
  auto config = config_for({"127.0.0.1:0"});
  config.backlog = 8;
  const auto set = value_or_throw(ListenerSet::open(config, 2));
  std::list<Client> clients;
  for (int i = 0; i < 5; ++i) clients.emplace_back(set.endpoints().front());
  const auto one = accept_queue_of(set.of_slot(0).front()).waiting;
  const auto other = accept_queue_of(set.of_slot(1).front()).waiting;

  auto address = set.addresses().front();
  address.by_slot.emplace_back();  // of a slot that has none here
  const auto queues = accept_queues_of(address);
  EXPECT_EQ(queues.waiting, 5U);
  EXPECT_EQ(queues.room, 16U);
  EXPECT_EQ(queues.fullest_permille, std::max(one, other) * 1000 / 8);
}

}  // namespace
}  // namespace tcp_echo::test
