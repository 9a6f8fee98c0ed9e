// One libuv loop, and the shape that every long-lived handle on it has.
//
// http://docs.libuv.org/en/v1.x/loop.html. A loop and all that hangs on it belong to one thread.
#pragma once

#include <uv.h>

#include <chrono>
#include <functional>
#include <memory>
#include <utility>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/loop/descriptor_polls.hpp"
#include "tcp_echo/loop/timekeeper.hpp"

namespace tcp_echo {

class Loop final : public Timekeeper {
 public:
  /// Throws FatalError when the kernel gives no epoll descriptor.
  Loop();
  /// Lets pending close callbacks run. Every handle must have been closed by then.
  ~Loop() override;

  /// Turns until stop(), or until nothing is left to wait for.
  void run();
  /// Takes what is there, and waits for nothing.
  void turn_once();
  void stop() noexcept { uv_stop(&loop_); }

  std::chrono::milliseconds now() const noexcept override {
    return std::chrono::milliseconds(uv_now(&loop_));
  }

  /// For a turn that takes long: moves now() on, so that a timer set next does not ring early.
  void refresh_now() noexcept { uv_update_time(&loop_); }

  std::unique_ptr<Bell> make_bell(std::function<void()> on_ring) override;

  uv_loop_t* raw() noexcept { return &loop_; }
  DescriptorPolls& descriptor_polls() noexcept { return descriptor_polls_; }

 private:
  void let_handles_close() noexcept;

  uv_loop_t loop_{};
  DescriptorPolls descriptor_polls_{loop_};
};

/// "what: reason", from a libuv error number (they are negated errno values).
Error uv_error(std::string_view attempted, int status);

/// Owns a libuv handle together with the callback it calls. The destructor closes the handle; the memory
/// lives on until libuv's close callback, so the owner may be destroyed at any time, also from within that
/// very callback.
template <class Raw, class Callback>
class Handle {
 public:
  explicit Handle(Callback callback) : block_(new Block{Raw{}, std::move(callback)}) {
    block_->raw.data = block_;
  }
  ~Handle() {
    auto* const handle = reinterpret_cast<uv_handle_t*>(&block_->raw);
    if (handle->loop == nullptr) {  // its init failed or was never called: libuv does not know it
      delete block_;
    } else {
      uv_close(handle, [](uv_handle_t* closed) { delete static_cast<Block*>(closed->data); });
    }
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  Raw* raw() noexcept { return &block_->raw; }
  const Raw* raw() const noexcept { return &block_->raw; }

  /// The callback that belongs to a handle which libuv hands to a C callback.
  static Callback& callback_of(const Raw* raw) noexcept { return static_cast<Block*>(raw->data)->callback; }

 private:
  struct Block {
    Raw raw;
    Callback callback;
  };
  Block* block_;
};

}  // namespace tcp_echo
