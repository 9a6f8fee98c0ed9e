#include "tcp_echo/loop/deadline.hpp"

#include <utility>

namespace tcp_echo {

Deadline::Deadline(Timekeeper& clock, std::function<void()> on_passed)
    : on_passed_(std::move(on_passed)), timer_(clock, [this] { look(); }) {}

void Deadline::start(std::chrono::milliseconds delay) {
  has_passed_ = is_second_look_ = false;
  timer_.start(delay);
}

void Deadline::pass() noexcept {
  timer_.stop();
  has_passed_ = true;
}

void Deadline::stop() noexcept {
  timer_.stop();
  has_passed_ = false;
}

void Deadline::look() {
  if (!std::exchange(is_second_look_, true)) return timer_.start(kSecondLook);
  has_passed_ = true;
  on_passed_();
}

}  // namespace tcp_echo
