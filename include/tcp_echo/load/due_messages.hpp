// What of a schedule is still to be sent, the next message first. Each message is taken or dropped once, so
// that a caller which books both has booked all that were due.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

#include "tcp_echo/load/schedule.hpp"

namespace tcp_echo {

class DueMessages {
 public:
  using Time = Schedule::Time;

  /// The first schedule counts. Before that nothing is due.
  void begin(const Schedule& schedule) noexcept;
  /// From `time` on none is due, but for those that were taken already.
  void end(Time time) noexcept;

  /// When the next one is due; the end of time if there is none.
  Time next() const noexcept { return next_; }
  /// Only if there is a next one.
  void take() noexcept { move_to(number_ + 1); }

  /// All that are due before `time`; without an end() not all there are. Calls on_dropped(due, messages): if
  /// they are very many, neighbours go together, with the time of the first.
  template <class OnDropped>
  void drop_before(Time time, OnDropped on_dropped) noexcept {
    constexpr std::uint64_t kMostCalls = 10'000;
    if (next_ >= time) return;
    const auto until = time == Time::max() ? end_ : std::min(schedule_->due_before(time), end_);
    const auto share = (until - number_) / kMostCalls + 1;
    while (number_ < until) {
      const auto some = std::min(share, until - number_);
      on_dropped(next_, some);
      move_to(number_ + some);
    }
  }

  /// After end(): how many were due since then.
  std::uint64_t due_since(Time begin) const noexcept;

 private:
  void move_to(std::uint64_t number) noexcept;

  std::optional<Schedule> schedule_;
  std::uint64_t number_ = 0;  ///< of the next one
  std::uint64_t end_ = std::numeric_limits<std::uint64_t>::max();
  Time next_ = Time::max();
};

}  // namespace tcp_echo
