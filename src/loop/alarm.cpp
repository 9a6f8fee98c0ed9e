#include "tcp_echo/loop/alarm.hpp"

#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <utility>

namespace tcp_echo {
namespace {

UniqueFd open_timer() {
  UniqueFd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!timer) throw FatalError(system_error("timerfd_create", errno));
  return timer;
}

}  // namespace

Alarm::Alarm(Loop& loop, std::function<void()> on_time)
    : timer_(open_timer()), on_time_(std::move(on_time)), poll_(loop, timer_.get(), [this] {
        std::uint64_t expirations = 0;
        // Nothing to read: it was stopped, or set anew, in this turn of the loop.
        if (::read(timer_.get(), &expirations, sizeof expirations) > 0) on_time_();
      }) {
  value_or_throw(poll_.watch(Readiness::kReadable));
}

void Alarm::set(Time time) noexcept {
  using std::chrono::duration_cast;
  constexpr std::chrono::nanoseconds kSoonest{1};  // 0 would stop it
  const auto since_boot = std::max<std::chrono::nanoseconds>(time.time_since_epoch(), kSoonest);
  const auto seconds = duration_cast<std::chrono::seconds>(since_boot);
  const itimerspec when{.it_interval = {},
                        .it_value = {.tv_sec = seconds.count(), .tv_nsec = (since_boot - seconds).count()}};
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

void Alarm::stop() noexcept {
  const itimerspec never{};
  ::timerfd_settime(timer_.get(), 0, &never, nullptr);
}

}  // namespace tcp_echo
