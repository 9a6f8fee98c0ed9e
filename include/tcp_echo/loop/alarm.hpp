// An alarm at a point in time, exact to what the kernel's clock can do: timerfd_create(2). For what a Timer's
// milliseconds are too coarse.
#pragma once

#include <chrono>
#include <functional>

#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/loop/poll.hpp"

namespace tcp_echo {

/// Not to be destroyed in its own callback.
class Alarm {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Throws FatalError when there is no descriptor left.
  Alarm(Loop& loop, std::function<void()> on_time);

  /// Calls back once; at once, in the next turn of the loop, if the time is over. A running alarm is set
  /// anew.
  void set(Time time) noexcept;
  void stop() noexcept;

 private:
  UniqueFd timer_;
  std::function<void()> on_time_;
  Poll poll_;  // after the descriptor: closed before it
};

}  // namespace tcp_echo
