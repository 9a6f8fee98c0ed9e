// Between whom a connection is: getpeername(2), getsockname(2).
#pragma once

#include <optional>

#include "tcp_echo/base/endpoint.hpp"

namespace tcp_echo {

struct Parties {
  Endpoint peer;
  Endpoint listener;  ///< the address that the client connected to
};

/// Nothing of a connection that has broken already. IPv4 clients of a dual-stack listener are given as IPv4.
std::optional<Parties> parties_of(int fd);

/// Why the connection has broken, as an errno value, 0 if it has not; the kernel tells it once (SO_ERROR,
/// socket(7)).
int take_error(int fd) noexcept;

}  // namespace tcp_echo
