#include "tcp_echo/loop/timer.hpp"

namespace tcp_echo {
namespace {

class UvBell final : public Timekeeper::Bell {
 public:
  UvBell(uv_loop_t* loop, std::function<void()> on_ring) : handle_(std::move(on_ring)) {
    uv_timer_init(loop, handle_.raw());
  }

  void start(std::chrono::milliseconds delay) override {
    uv_timer_start(
        handle_.raw(), [](uv_timer_t* raw) noexcept { TimerHandle::callback_of(raw)(); },
        static_cast<std::uint64_t>(delay.count()), 0);
  }

  void stop() noexcept override { uv_timer_stop(handle_.raw()); }

  bool is_running() const noexcept override {
    return uv_is_active(reinterpret_cast<const uv_handle_t*>(handle_.raw())) != 0;
  }

  std::chrono::milliseconds due_in() const noexcept override {
    return std::chrono::milliseconds(is_running() ? uv_timer_get_due_in(handle_.raw()) : 0);
  }

 private:
  using TimerHandle = Handle<uv_timer_t, std::function<void()>>;
  TimerHandle handle_;
};

}  // namespace

std::unique_ptr<Timekeeper::Bell> Loop::make_bell(std::function<void()> on_ring) {
  return std::make_unique<UvBell>(&loop_, std::move(on_ring));
}

}  // namespace tcp_echo
