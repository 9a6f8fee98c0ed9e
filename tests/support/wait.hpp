// Waiting in unit tests: for a condition, never for a time.
#pragma once

#include <poll.h>

#include <chrono>
#include <string_view>

#include "tcp_echo/loop/loop.hpp"

namespace tcp_echo::test {

/// After this long a condition will not come true: enough for Valgrind on a busy machine.
inline constexpr std::chrono::seconds kDeadline{40};

/// Polls the condition; whether it came true.
template <class Condition>
[[nodiscard]] bool eventually(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + kDeadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    ::poll(nullptr, 0, 1);
  }
  return true;
}

/// One turn of the loop, which waits a millisecond at most: the condition may hang on something the loop does
/// not see.
inline void turn(Loop& loop) {
  uv_run(loop.raw(), UV_RUN_NOWAIT);
  pollfd events{uv_backend_fd(loop.raw()), POLLIN, 0};
  ::poll(&events, 1, 1);
}

/// Turns the loop until the condition holds; whether it came true.
template <class Condition>
[[nodiscard]] bool turn_until(Loop& loop, Condition condition) {
  const auto end = std::chrono::steady_clock::now() + kDeadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    turn(loop);
  }
  return true;
}

}  // namespace tcp_echo::test
