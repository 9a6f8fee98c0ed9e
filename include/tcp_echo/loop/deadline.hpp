// A timer for something that should have happened by then.
#pragma once

#include <chrono>
#include <functional>

#include "tcp_echo/loop/timer.hpp"

namespace tcp_echo {

/// Timers come before readiness in a turn of the loop. When this process did not run for a while, what it
/// waits for may have happened long ago and only has to be read: so it looks a second time, so long after the
/// first.
inline constexpr std::chrono::milliseconds kSecondLook{50};

class Deadline {
 public:
  /// `on_passed` is called once for each start() that no stop() followed in time.
  Deadline(Timekeeper& clock, std::function<void()> on_passed);

  void start(std::chrono::milliseconds delay);
  /// It counts as passed from now on; `on_passed` is not called.
  void pass() noexcept;
  /// What was waited for has happened, or is wanted no more.
  void stop() noexcept;

  bool is_running() const noexcept { return timer_.is_running(); }
  /// Until the next stop() or start().
  bool has_passed() const noexcept { return has_passed_; }

 private:
  void look();

  std::function<void()> on_passed_;
  bool has_passed_ = false;
  bool is_second_look_ = false;
  Timer timer_;
};

}  // namespace tcp_echo
