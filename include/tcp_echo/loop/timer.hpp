// A one-shot timer: uv_timer_t, http://docs.libuv.org/en/v1.x/timer.html
#pragma once

#include <chrono>
#include <functional>

#include "tcp_echo/loop/loop.hpp"

namespace tcp_echo {

class Timer {
 public:
  Timer(Loop& loop, std::function<void()> on_time);

  /// Calls back once, `delay` from the beginning of this turn of the loop; a running timer is set anew.
  void start(std::chrono::milliseconds delay);
  void stop() noexcept;
  bool is_running() const noexcept;

 private:
  using TimerHandle = Handle<uv_timer_t, std::function<void()>>;
  TimerHandle handle_;
};

}  // namespace tcp_echo
