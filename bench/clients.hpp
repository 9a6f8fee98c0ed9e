// Connections that this program opens itself, where it must know exactly what was sent.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo::bench {

/// One that no program listens on at the moment.
std::uint16_t free_port();

/// Whether a connection gets its byte back.
bool answers(std::uint16_t port, std::chrono::milliseconds timeout);

/// Blocking connections to 127.0.0.1, each reset when it goes, so that no TIME_WAIT is left behind.
class Clients {
 public:
  Clients(std::uint16_t port, std::chrono::milliseconds timeout) : port_(port), timeout_(timeout) {}

  /// Until there are so many; each new one has had one echo. Throws FatalError.
  void grow_to(std::size_t count);

  /// So many times: a message on each connection, then all the echoes. Throws FatalError on a wrong byte.
  void echo(unsigned rounds);

 private:
  std::uint16_t port_;
  std::chrono::milliseconds timeout_;
  std::vector<UniqueFd> sockets_;
};

}  // namespace tcp_echo::bench
