// Whether the service comes up: until then failing too often is its end, afterwards it is a slot's concern
// alone. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace tcp_echo {

/// So many failures of one slot, while others become ready, are enough to call a start failed.
inline constexpr unsigned kMostStartFailures = 5;

class Startup {
 public:
  /// A worker has become ready; so many of all slots have one now.
  void on_ready(std::size_t ready, std::size_t slots) noexcept {
    a_worker_was_ready_ = true;
    is_up_ = is_up_ || ready == slots;
  }
  /// The service was up already under the program before this one (an upgrade).
  void skip() noexcept { is_up_ = a_worker_was_ready_ = true; }

  /// All slots have had a worker that was ready, at one time.
  bool is_up() const noexcept { return is_up_; }
  /// `failures`: in a row, by slot.
  bool has_failed(const std::vector<unsigned>& failures) const {
    if (is_up_) return false;
    const auto most = *std::max_element(failures.begin(), failures.end());
    const auto least = *std::min_element(failures.begin(), failures.end());
    return most >= kMostStartFailures || (least > 0 && !a_worker_was_ready_);
  }

 private:
  bool a_worker_was_ready_ = false;
  bool is_up_ = false;
};

}  // namespace tcp_echo
