// Listening TCP sockets that share one address through SO_REUSEPORT (socket(7)), and the probe that keeps
// strangers out.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <vector>

#include "tcp_echo/base/endpoint.hpp"
#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo {

/// Set on the listener: the kernel copies these to every connection it accepts, which saves three system
/// calls per connection.
struct ListenerOptions {
  int backlog = 0;
  bool nodelay = false;
  std::chrono::seconds keepalive{};  ///< 0: off
};

/// Fails with kUnavailable if another process already listens on the address, or the address is not one of
/// this machine's. SO_REUSEPORT would let two unrelated programs of one user share a port silently, so this
/// binds without it, and lets go again. Two programs that start in the same instant
/// may both pass, for neither listens yet. Run it on every address before the first is opened for good.
/// `ours` are the inodes (fstat(2)) of listeners that do not count as strangers.
Result<void> probe_address(const Endpoint& endpoint, const std::vector<ino_t>& ours = {});

/// A non-blocking socket that is bound there and does not listen yet. Several of one user may be bound to the
/// same endpoint; the kernel spreads connections over those that listen.
Result<UniqueFd> bind_listener(const Endpoint& endpoint, const ListenerOptions& options);

/// Clients can connect from now on. Again, with another backlog, is no error. The endpoint is for the
/// message.
Result<void> listen_on(int fd, const Endpoint& endpoint, int backlog);

/// Both.
Result<UniqueFd> open_listener(const Endpoint& endpoint, const ListenerOptions& options);

/// From now on no new handshake begins on this listener: bare SYNs are dropped, so a client that connects now
/// gets no answer and tries again. Handshakes under way are completed, connections that wait already do not
/// notice; those that come from now on may want hear_out(). It holds for the socket, so for all processes
/// that have a descriptor of it: only for a socket that is about to be closed for good, and never for one
/// that another process goes on using.
Result<void> refuse_handshakes(int listener);

/// Whether connections that come from that listener do not hear their clients until hear_out(): so it is
/// where refuse_handshakes() had to do without a filter, and connections inherit what it did.
bool makes_deaf(int listener) noexcept;
void hear_out(int connection) noexcept;

/// Where the socket is bound: with port 0 asked for, this tells which one it became.
Result<Endpoint> local_endpoint(int fd);

/// Whether a socket can be bound to [::] here (IPv6 may be off by sysctl, kernel command line or container).
bool ipv6_available();

/// net.core.somaxconn, to which listen(2) cuts a longer backlog without a word; 0 if it cannot be read.
int longest_backlog();

}  // namespace tcp_echo
