// Whether a worker's loop still turns, judged from its heartbeats. Pure: no clock, no libuv.
#pragma once

#include <chrono>
#include <cstdint>

namespace tcp_echo {

/// One per worker process.
///
/// No clock is compared between processes: what counts is the time that the master saw pass, look by look,
/// without the count having moved. A look that comes late, because the master was stopped, its container
/// paused or the machine suspended, counts for no more than two intervals; the worker may have stood still
/// for the same reason.
class HeartbeatWatch {
 public:
  /// 0: never hung, for such a worker counts no heartbeats.
  explicit HeartbeatWatch(std::chrono::milliseconds watchdog) : watchdog_(watchdog) {}

  /// `since_last_look` is on the master's clock. Whether the loop has not turned for the watchdog's time.
  bool is_hung(std::uint64_t heartbeats, std::chrono::milliseconds since_last_look) noexcept;

  std::chrono::milliseconds watchdog() const noexcept { return watchdog_; }

 private:
  std::chrono::milliseconds watchdog_;
  std::chrono::milliseconds unchanged_for_{};
  std::uint64_t seen_ = 0;
};

}  // namespace tcp_echo
