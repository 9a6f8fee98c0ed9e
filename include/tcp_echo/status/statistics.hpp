// The status as lines for eyes.
#pragma once

#include <string>

#include "tcp_echo/status/service_status.hpp"

namespace tcp_echo {

/// "worker 2 is serving: 3 connections open, 10 accepted, ...".
std::string statistics_of(const SlotStatus& slot);

/// "up for 12 s, generation 2, 1 reload, 0 failed".
std::string statistics_of(const ServiceStatus& status);

}  // namespace tcp_echo
