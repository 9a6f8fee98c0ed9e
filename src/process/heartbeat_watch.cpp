#include "tcp_echo/process/heartbeat_watch.hpp"

#include <algorithm>

#include "tcp_echo/ipc/heartbeat.hpp"

namespace tcp_echo {

bool HeartbeatWatch::is_hung(std::uint64_t heartbeats, std::chrono::milliseconds since_last_look) noexcept {
  if (watchdog_.count() == 0) return false;
  const auto interval = heartbeat_interval(watchdog_);
  if (heartbeats != seen_) {
    seen_ = heartbeats;
    unchanged_for_ = {};
    return false;
  }
  unchanged_for_ += std::min(since_last_look, 2 * interval);
  // The loop may have turned for nearly an interval after its last heartbeat.
  return unchanged_for_ >= watchdog_ + interval;
}

}  // namespace tcp_echo
