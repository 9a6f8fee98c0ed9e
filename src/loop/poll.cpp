#include "tcp_echo/loop/poll.hpp"

namespace tcp_echo {

Poll::Poll(Loop& loop, int fd, std::function<void()> on_ready) : handle_(std::move(on_ready)) {
  if (const int status = uv_poll_init(loop.raw(), handle_.raw(), fd); status != 0)
    throw FatalError(uv_error("poll a descriptor", status));
}

Result<void> Poll::watch(Readiness what) {
  const int status = start_poll(*handle_.raw(), static_cast<int>(what),
                                [](uv_poll_t* raw, int, int) noexcept { PollHandle::callback_of(raw)(); });
  if (status != 0) return tl::unexpected(uv_error("poll a descriptor", status));
  return {};
}

void Poll::stop() noexcept { uv_poll_stop(handle_.raw()); }

}  // namespace tcp_echo
