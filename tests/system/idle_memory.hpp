// What an idle connection costs a worker in memory of its own (the kernel's share is the kernel's).
#pragma once

#include <cstddef>

namespace tcp_echo::test {

struct IdleMemory {
  std::size_t connections = 0;  ///< fewer than asked for where the open-files limit is in the way
  double bytes_each = 0;
};

/// Starts a daemon with one worker and opens that many connections to it.
IdleMemory measure_idle_memory(std::size_t connections);

}  // namespace tcp_echo::test
