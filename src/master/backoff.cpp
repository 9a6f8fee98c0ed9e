#include "tcp_echo/master/backoff.hpp"

#include <algorithm>

namespace tcp_echo {

std::chrono::milliseconds Backoff::after_failure(std::chrono::milliseconds served_for) noexcept {
  if (served_for >= kStableService) failures_ = 0;
  ++failures_;
  if (failures_ == 1 && served_for.count() > 0) return {};
  auto delay = min_;
  for (unsigned doubled = 2; doubled < failures_ && delay < max_; ++doubled) delay *= 2;
  return std::min(delay, max_);
}

}  // namespace tcp_echo
