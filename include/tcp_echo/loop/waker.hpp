// Wakes a loop from another thread: uv_async_t, http://docs.libuv.org/en/v1.x/async.html
#pragma once

#include <functional>

#include "tcp_echo/loop/loop.hpp"

namespace tcp_echo {

class Waker {
 public:
  /// `on_wake` runs in the loop's thread. Throws FatalError.
  Waker(Loop& loop, std::function<void()> on_wake);

  /// From any thread, or a signal handler. Several calls may become one call back, which comes after the last
  /// of them. Not while the Waker is being destroyed.
  void wake() noexcept { uv_async_send(handle_.raw()); }

 private:
  using AsyncHandle = Handle<uv_async_t, std::function<void()>>;
  AsyncHandle handle_;
};

}  // namespace tcp_echo
