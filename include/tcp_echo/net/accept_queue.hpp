// How full the accept queues are: tcp(7), TCP_INFO of a listening socket, and the counters of the network
// namespace in /proc/net/netstat (proc(5)).
#pragma once

#include <cstdint>
#include <istream>
#include <optional>

namespace tcp_echo {

struct AcceptQueue {
  unsigned waiting = 0;  ///< connected, and not accepted yet
  unsigned limit = 0;
};

/// Nothing if the socket cannot tell.
std::optional<AcceptQueue> accept_queue_of(int listener) noexcept;

/// Since the namespace began.
struct ListenCounters {
  std::uint64_t overflows = 0;  ///< handshakes that found an accept queue full
  std::uint64_t drops = 0;      ///< those, and others that a listener turned away
  bool operator==(const ListenCounters&) const = default;
};

/// Zeroes where it does not say.
ListenCounters parse_listen_counters(std::istream& netstat);
ListenCounters read_listen_counters();

}  // namespace tcp_echo
