// Between whom a connection is: getpeername(2), getsockname(2).
#pragma once

#include <optional>

#include "tcp_echo/base/endpoint.hpp"

namespace tcp_echo {

/// Of a connection's other end, and of this one: the address that the client connected to. Nothing if the
/// connection has broken. An IPv4 client of [::] has an IPv4 address here, and so has the end that it knows.
std::optional<Endpoint> peer_endpoint(int connection);
std::optional<Endpoint> connected_endpoint(int connection);

}  // namespace tcp_echo
