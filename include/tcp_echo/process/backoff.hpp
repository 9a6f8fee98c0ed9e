// How long a slot waits before it starts its next worker. Pure: no clock, no libuv.
#pragma once

#include <chrono>

namespace tcp_echo {

/// A worker that served for so long has proved itself: its failure counts as the first.
inline constexpr std::chrono::seconds kStableService{10};

/// One per slot.
class Backoff {
 public:
  /// --respawn-delay-min and --respawn-delay-max, the first not above the second.
  Backoff(std::chrono::milliseconds min, std::chrono::milliseconds max) : min_(min), max_(max), next_(min) {}

  /// A worker has failed after it had served for that long (0: it never became ready). The wait until the
  /// next one is started: none for the first failure of one that had served, then the minimum, then doubling
  /// up to the maximum.
  std::chrono::milliseconds after_failure(std::chrono::milliseconds served_for) noexcept;

  /// Failures since the last stable service.
  unsigned failures_in_a_row() const noexcept { return failures_; }

 private:
  std::chrono::milliseconds min_;
  std::chrono::milliseconds max_;
  std::chrono::milliseconds next_;
  unsigned failures_ = 0;
};

}  // namespace tcp_echo
