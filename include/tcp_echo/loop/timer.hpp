// A one-shot timer. On a Loop: uv_timer_t, http://docs.libuv.org/en/v1.x/timer.html
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <utility>

#include "tcp_echo/loop/loop.hpp"
#include "tcp_echo/loop/timekeeper.hpp"

namespace tcp_echo {

class Timer {
 public:
  /// It may be destroyed in `on_time`.
  Timer(Timekeeper& clock, std::function<void()> on_time) : bell_(clock.make_bell(std::move(on_time))) {}

  /// Calls back once, `delay` from the beginning of this turn of the loop; a running timer is set anew.
  void start(std::chrono::milliseconds delay) {
    bell_->start(std::max(delay, std::chrono::milliseconds::zero()));
  }
  /// As start(), unless it runs and rings before that anyhow.
  void start_within(std::chrono::milliseconds delay) {
    if (!is_running() || delay < due_in()) start(delay);
  }
  void stop() noexcept { bell_->stop(); }
  bool is_running() const noexcept { return bell_->is_running(); }
  /// Until it rings; 0 if it does not run.
  std::chrono::milliseconds due_in() const noexcept { return bell_->due_in(); }

 private:
  std::unique_ptr<Timekeeper::Bell> bell_;
};

}  // namespace tcp_echo
