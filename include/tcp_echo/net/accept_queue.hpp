// How full accept queues are: TCP_INFO of a listening socket (tcp(7)), and what the network namespace counts
// in /proc/net/netstat (proc(5)).
#pragma once

#include <cstdint>
#include <istream>

namespace tcp_echo {

struct AcceptQueue {
  unsigned waiting = 0;  ///< connected, and not accepted yet
  unsigned limit = 0;
};

/// Of a listening socket; zeroes if it cannot tell.
AcceptQueue accept_queue_of(int listener) noexcept;

/// Since the network namespace began.
struct ListenCounters {
  std::uint64_t overflows = 0;  ///< handshakes that found an accept queue full
  std::uint64_t drops = 0;      ///< these, and others that a listener dropped
  bool operator==(const ListenCounters&) const = default;
};

/// Zeroes where the text does not say.
ListenCounters parse_listen_counters(std::istream& netstat);
ListenCounters read_listen_counters();

}  // namespace tcp_echo
