#include "tcp_echo/loop/loop.hpp"

#include <cassert>

namespace tcp_echo {

Loop::Loop() {
  if (const int status = uv_loop_init(&loop_); status != 0)
    throw FatalError(uv_error("create an event loop", status));
}

Loop::~Loop() {
  let_handles_close();
  descriptor_polls_.forget_all();
  let_handles_close();
  [[maybe_unused]] const int status = uv_loop_close(&loop_);
  assert(status == 0 && "a handle outlived its loop");
}

void Loop::let_handles_close() noexcept {
  // A stop() that no run has consumed would make this one return before the close callbacks.
  while (uv_run(&loop_, UV_RUN_NOWAIT) != 0) {
  }
}

void Loop::run() { uv_run(&loop_, UV_RUN_DEFAULT); }

void Loop::turn_once() { uv_run(&loop_, UV_RUN_NOWAIT); }

Error uv_error(std::string_view attempted, int status) { return system_error(attempted, -status); }

}  // namespace tcp_echo
