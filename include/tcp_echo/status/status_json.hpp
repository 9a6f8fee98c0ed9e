// The status as text, for scripts: `tcp-echo-ctl status --json` and /status give the same. Here stand the
// names that they rely on.
#pragma once

#include <string>
#include <vector>

#include "tcp_echo/status/service_status.hpp"

namespace tcp_echo {

/// One line of JSON, without a newline. Times are in seconds, sizes in bytes.
std::string status_json(const ServiceStatus& status);

/// The same of what has happened, oldest first: an array.
std::string events_json(const std::vector<ServiceEvent>& events);

}  // namespace tcp_echo
