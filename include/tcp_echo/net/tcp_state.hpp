// What the kernel knows about a connection that user space does not: tcp(7), TCP_INFO and SIOCOUTQ.
#pragma once

#include <chrono>
#include <cstddef>

namespace tcp_echo {

/// Bytes written to the socket that the peer has not acknowledged yet; 0 if the socket cannot tell.
std::size_t unacknowledged_bytes(int fd) noexcept;

/// Whether the kernel still delivers what we wrote, or has only just finished: some went out and the peer
/// answered within `period`, or within half of it when nothing is under way any more. So a slow reader
/// differs from one that has stopped (its window stays shut: probes carry no data) and from one that is gone
/// (retransmissions go out, but nothing answers), although user space sees none of it.
bool delivered_within(int fd, std::chrono::milliseconds period) noexcept;

}  // namespace tcp_echo
