// Where there is IPv6. Docker's containers, for one, usually have an any-address of it but no loopback.
#pragma once

#include "tcp_echo/net/listening_socket.hpp"

namespace tcp_echo::test {

/// Whether ::1 can be bound to; ipv6_available() is content with [::].
inline bool has_ipv6_loopback() {
  return open_listener(*Endpoint::parse("[::1]:0"), {.backlog = 1}).has_value();
}

}  // namespace tcp_echo::test
