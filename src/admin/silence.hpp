// How long a master has not shown that its loop turns, as far as the admin process itself has run meanwhile:
// what has stopped both of them (a paused container, a suspended machine) says nothing of the master. Pure.
#pragma once

#include <algorithm>
#include <chrono>

namespace tcp_echo {

class Silence {
 public:
  /// From now on the master is asked every so often, and answers.
  void begin(std::chrono::milliseconds now, std::chrono::milliseconds interval) noexcept {
    interval_ = interval;
    last_look_ = now;
  }
  /// At each question: one that comes late counts for no more than two.
  void look(std::chrono::milliseconds now) noexcept {
    length_ += std::min(now - last_look_, 2 * interval_);
    last_look_ = now;
  }
  /// It has answered.
  void end() noexcept { length_ = {}; }

  std::chrono::milliseconds interval() const noexcept { return interval_; }
  std::chrono::milliseconds length() const noexcept { return length_; }

 private:
  std::chrono::milliseconds interval_{};
  std::chrono::milliseconds last_look_{};
  std::chrono::milliseconds length_{};
};

}  // namespace tcp_echo
