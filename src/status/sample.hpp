// The history of the service: one sample a second. Pure.
#pragma once

#include <chrono>

#include "tcp_echo/status/service_status.hpp"

namespace tcp_echo {

/// `now` is on the monotonic clock.
Sample sample_of(const ServiceStatus& status, std::chrono::milliseconds now);

}  // namespace tcp_echo
