#include "tcp_echo/listeners/accept_queues.hpp"

#include <algorithm>

#include "tcp_echo/net/accept_queue.hpp"

namespace tcp_echo {

AcceptQueues accept_queues_of(const ListenerSet::Address& address) noexcept {
  constexpr unsigned kPermille = 1000;
  AcceptQueues queues;
  for (const auto& socket : address.by_slot) {
    const auto queue = socket == nullptr ? AcceptQueue{} : accept_queue_of(socket->get());
    queues.waiting += queue.waiting;
    queues.room += queue.limit;
    if (queue.limit > 0)
      queues.fullest_permille = std::max(queues.fullest_permille, kPermille * queue.waiting / queue.limit);
  }
  return queues;
}

}  // namespace tcp_echo
