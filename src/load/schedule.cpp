#include "tcp_echo/load/schedule.hpp"

namespace tcp_echo {

Schedule::Time Schedule::time_of(std::uint64_t number) const noexcept {
  constexpr double kNanosecondsPerSecond = 1e9;
  const double since_begin = static_cast<double>(number) / rate_ * kNanosecondsPerSecond;
  return begin_ + std::chrono::nanoseconds(static_cast<std::int64_t>(since_begin));
}

/// What the division says may be off by one or two for its rounding, and what time_of() says is what counts.
std::uint64_t Schedule::due_before(Time time) const noexcept {
  if (time <= begin_) return 0;
  const std::chrono::duration<double> since_begin = time - begin_;
  auto number = static_cast<std::uint64_t>(since_begin.count() * rate_);
  while (number > 0 && time_of(number - 1) >= time) --number;
  while (time_of(number) < time) ++number;
  return number;
}

}  // namespace tcp_echo
