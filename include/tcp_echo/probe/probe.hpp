// --probe: whether the service that runs here echoes, asked where it really listens. For health checks.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <vector>

#include "tcp_echo/base/endpoint.hpp"
#include "tcp_echo/base/error.hpp"

namespace tcp_echo {

using ProbeClock = std::chrono::steady_clock;

/// Sends a line there, closes its side, and wants the same line and then the end: kUnavailable if that is not
/// what comes before the deadline. Of an address that stands for all, the loopback address is asked. Blocks.
Result<void> probe_endpoint(const Endpoint& endpoint, ProbeClock::time_point deadline);

/// Asks every address of the service that runs as `master`, or of each that this process may look into. One
/// that is just being started, reloaded or upgraded gets until `patience` is over. Returns the addresses that
/// echo; fails with kUnavailable if none is there, or one does not echo. Blocks.
Result<std::vector<Endpoint>> probe_service(std::optional<pid_t> master, std::chrono::milliseconds patience);

}  // namespace tcp_echo
