// The line of --log-connections: the proof in a dispute over who closed what.
#pragma once

#include <chrono>
#include <string_view>

#include "tcp_echo/base/counters.hpp"
#include "tcp_echo/echo/connection.hpp"
#include "tcp_echo/net/parties.hpp"

namespace tcp_echo {

/// Who ended a connection for that reason: "client", "server" or "network". `error_number` is what the kernel
/// said of one that has broken, 0 if nothing.
std::string_view closed_by(CloseReason reason, int error_number);

/// `parties` may be missing: the connection had broken before anybody could ask.
void log_close(const Parties* parties, const ConnectionState& state, std::chrono::milliseconds age,
               CloseReason reason, int error_number);

}  // namespace tcp_echo
