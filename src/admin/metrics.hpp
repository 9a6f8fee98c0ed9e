// The table of metrics: what is measured, how it is called, and what it means. docs/metrics.md is made from
// it. Pure.
#pragma once

#include <string>
#include <vector>

#include "exposition.hpp"
#include "tcp_echo/status/service_status.hpp"

namespace tcp_echo {

/// In the order in which they are told.
std::vector<Metric> metrics();

std::string metrics_text(const ServiceStatus& status, Exposition::Format format);

}  // namespace tcp_echo
