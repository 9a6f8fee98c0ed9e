#include "tcp_echo/process/watchdog.hpp"

#include <utility>

#include "tcp_echo/ipc/heartbeat.hpp"

namespace tcp_echo {

Watchdog::Watchdog(Timekeeper& clock, std::function<void(std::chrono::milliseconds)> look)
    : clock_(clock), look_(std::move(look)), timer_(clock, [this] { on_time(); }) {}

void Watchdog::watch(std::chrono::milliseconds watchdog) {
  watchdog_ = watchdog;
  timer_.stop();
  if (watchdog.count() == 0) return;
  last_look_ = clock_.now();
  timer_.start(heartbeat_interval(watchdog));
}

void Watchdog::on_time() {
  const auto now = clock_.now();
  const auto since_last_look = now - std::exchange(last_look_, now);
  timer_.start(heartbeat_interval(watchdog_));
  look_(since_last_look);
}

}  // namespace tcp_echo
