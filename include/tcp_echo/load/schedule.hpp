// When the messages of one connection are due, by the clock: the N-th one N / rate after a beginning. It does
// not depend on what the connection does, so that a message which cannot be sent in time is late, and not
// forgotten.
#pragma once

#include <chrono>
#include <cstdint>

namespace tcp_echo {

class Schedule {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// `rate` is in messages a second, above 0.
  Schedule(Time begin, double rate) noexcept : begin_(begin), rate_(rate) {}

  /// Counted from the beginning, so that errors of rounding do not add up. Never decreases.
  Time time_of(std::uint64_t number) const noexcept;

  /// The first message that is not due before `time`: so many are.
  std::uint64_t due_before(Time time) const noexcept;

 private:
  Time begin_;
  double rate_;
};

}  // namespace tcp_echo
