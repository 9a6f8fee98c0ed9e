// How many workers a configuration asks for.
#pragma once

#include <algorithm>

#include "tcp_echo/base/cpu.hpp"
#include "tcp_echo/config/config.hpp"
#include "tcp_echo/config/options.hpp"

namespace tcp_echo {

/// --workers auto means as many as there are CPUs that this process may really use.
inline unsigned wanted_workers(const Config& config) {
  if (config.workers != 0) return config.workers;
  return std::min(worker_count_for(usable_cpus().size(), cpu_quota()), kMaxWorkers);
}

}  // namespace tcp_echo
