// The socket options that we use, each with what it is for.
#pragma once

#include <chrono>
#include <cstdint>

#include "tcp_echo/base/error.hpp"

namespace tcp_echo {

enum class SocketOption : std::uint8_t {
  kReuseAddress,  ///< SO_REUSEADDR, socket(7)
  kReusePort,     ///< SO_REUSEPORT, socket(7)
  kV6Only,        ///< IPV6_V6ONLY, ipv6(7)
  kKeepAlive,     ///< SO_KEEPALIVE, socket(7)
  kKeepIdle,      ///< TCP_KEEPIDLE in seconds, tcp(7)
  kNoDelay,       ///< TCP_NODELAY, tcp(7)
  kUrgentInline,  ///< SO_OOBINLINE, socket(7): without it an urgent byte vanishes from the stream
};

Result<void> set_option(int fd, SocketOption option, int value);

/// What every client's connection wants. Set on a listener it holds for all connections accepted from it: the
/// kernel clones a connection's socket from its listener.
Result<void> set_connection_options(int fd, bool nodelay, std::chrono::seconds keepalive);

/// Makes close(2), and the end of the process, send RST and drop what is unsent (SO_LINGER with a time of 0,
/// socket(7)). The peer then gets an error in place of a stream that ends early but looks complete. Set on a
/// listener it holds for the connections accepted from it, as above.
void reset_on_close(int fd) noexcept;

/// Back to the usual: close(2) sends FIN after everything that was sent.
void fin_on_close(int fd) noexcept;

/// Whether reset_on_close() holds.
bool resets_on_close(int fd) noexcept;

}  // namespace tcp_echo
