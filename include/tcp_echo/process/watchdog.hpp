// Looks at regular times whether the loops of other processes still turn.
#pragma once

#include <chrono>
#include <functional>

#include "tcp_echo/loop/timer.hpp"

namespace tcp_echo {

class Watchdog {
 public:
  /// `look` is called with the time since the last look. `clock` outlives the watchdog.
  Watchdog(Timekeeper& clock, std::function<void(std::chrono::milliseconds)> look);

  /// As often as such a --watchdog needs; 0: not at all.
  void watch(std::chrono::milliseconds watchdog);

 private:
  void on_time();

  Timekeeper& clock_;
  std::function<void(std::chrono::milliseconds)> look_;
  std::chrono::milliseconds watchdog_{};
  std::chrono::milliseconds last_look_{};
  Timer timer_;
};

}  // namespace tcp_echo
