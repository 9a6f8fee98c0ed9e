// How full the accept queues of an address are, over all of its slots.
#pragma once

#include "tcp_echo/listeners/listener_set.hpp"

namespace tcp_echo {

struct AcceptQueues {
  unsigned waiting = 0;           ///< connections that no worker has taken yet
  unsigned room = 0;              ///< how many may wait
  unsigned fullest_permille = 0;  ///< of the slot that has least room left
};

/// As the kernel has it at this moment.
AcceptQueues accept_queues_of(const ListenerSet::Address& address) noexcept;

}  // namespace tcp_echo
