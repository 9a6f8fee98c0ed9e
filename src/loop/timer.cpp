#include "tcp_echo/loop/timer.hpp"

#include <algorithm>

namespace tcp_echo {

Timer::Timer(Loop& loop, std::function<void()> on_time) : handle_(std::move(on_time)) {
  uv_timer_init(loop.raw(), handle_.raw());
}

void Timer::start(std::chrono::milliseconds delay) {
  const auto milliseconds =
      static_cast<std::uint64_t>(std::max<std::chrono::milliseconds::rep>(delay.count(), 0));
  uv_timer_start(
      handle_.raw(), [](uv_timer_t* raw) noexcept { TimerHandle::callback_of(raw)(); }, milliseconds, 0);
}

void Timer::stop() noexcept { uv_timer_stop(handle_.raw()); }

bool Timer::is_running() const noexcept {
  return uv_is_active(reinterpret_cast<const uv_handle_t*>(handle_.raw())) != 0;
}

}  // namespace tcp_echo
