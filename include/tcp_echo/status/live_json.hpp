// What the status page asks for every second, as text: the status, less what it does not show, and what has
// happened meanwhile. The names are an agreement with the page alone, and change with it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tcp_echo/status/service_status.hpp"

namespace tcp_echo {

struct LiveView {
  std::string page;  ///< which page this is for: one that is another reloads itself
  const ServiceStatus& status;
  std::chrono::milliseconds clock{};     ///< now, on the clock of the samples
  std::chrono::milliseconds wall{};      ///< now, since the epoch, as events tell their time
  std::optional<std::string> complaint;  ///< why the service is not healthy
  std::vector<ServiceEvent> events;      ///< oldest first
  std::vector<Sample> samples;           ///< those that the page does not know yet, oldest first
  std::uint64_t samples_taken = 0;       ///< what the page says next time to get those that follow
};

/// One line of JSON, without a newline. Times are in seconds, sizes in bytes; what comes many times over
/// (workers, samples) is a list of rows, with the names of their columns once.
std::string live_json(const LiveView& view);

}  // namespace tcp_echo
