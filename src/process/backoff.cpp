#include "tcp_echo/process/backoff.hpp"

#include <algorithm>
#include <utility>

namespace tcp_echo {

std::chrono::milliseconds Backoff::after_failure(std::chrono::milliseconds served_for) noexcept {
  if (served_for >= kStableService) {
    failures_ = 0;
    next_ = min_;
  }
  ++failures_;
  if (failures_ == 1 && served_for.count() > 0) return {};
  return std::exchange(next_, std::min(2 * next_, max_));
}

}  // namespace tcp_echo
