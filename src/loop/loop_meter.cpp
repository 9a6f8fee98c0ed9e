#include "tcp_echo/loop/loop_meter.hpp"

#include <algorithm>
#include <utility>

namespace tcp_echo {

using std::chrono::nanoseconds;

double LoopReading::busy_ratio() const noexcept {
  if (elapsed.count() <= 0) return 0;
  return std::clamp(static_cast<double>(busy.count()) / static_cast<double>(elapsed.count()), 0.0, 1.0);
}

LoopReading LoopGauge::read(std::uint64_t now, std::uint64_t idle, std::uint64_t due) noexcept {
  const auto elapsed = now - std::exchange(last_now_, now);
  const auto idled = std::min(idle - std::exchange(last_idle_, idle), elapsed);
  const auto late = now > due ? now - due : 0;
  return {nanoseconds(elapsed), nanoseconds(elapsed - idled), nanoseconds(late)};
}

LoopMeter::LoopMeter(Loop& loop, std::function<void(const LoopReading&)> on_reading)
    : loop_(loop),
      on_reading_(std::move(on_reading)),
      gauge_(uv_hrtime(), uv_metrics_idle_time(loop.raw())),
      timer_(loop, [this] { look(); }) {
  set();
}

void LoopMeter::set() noexcept {
  due_ = uv_hrtime() + static_cast<std::uint64_t>(nanoseconds(kInterval).count());
  timer_.start(kInterval);
}

void LoopMeter::look() {
  const auto reading = gauge_.read(uv_hrtime(), uv_metrics_idle_time(loop_.raw()), due_);
  set();
  on_reading_(reading);
}

}  // namespace tcp_echo
