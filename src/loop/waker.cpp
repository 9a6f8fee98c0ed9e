#include "tcp_echo/loop/waker.hpp"

#include <utility>

namespace tcp_echo {

Waker::Waker(Loop& loop, std::function<void()> on_wake) : handle_(std::move(on_wake)) {
  const int status = uv_async_init(loop.raw(), handle_.raw(),
                                   [](uv_async_t* raw) noexcept { AsyncHandle::callback_of(raw)(); });
  if (status != 0) throw FatalError(uv_error("wake a loop from another thread", status));
}

}  // namespace tcp_echo
