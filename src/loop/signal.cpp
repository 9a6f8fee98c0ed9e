#include "tcp_echo/loop/signal.hpp"

#include <csignal>

#include "tcp_echo/base/signal_name.hpp"

namespace tcp_echo {

Signal::Signal(Loop& loop, int number, std::function<void(int)> on_signal) : handle_(std::move(on_signal)) {
  int status = uv_signal_init(loop.raw(), handle_.raw());
  if (status == 0) {
    status = uv_signal_start(
        handle_.raw(),
        [](uv_signal_t* raw, int received) noexcept { SignalHandle::callback_of(raw)(received); }, number);
  }
  if (status != 0) throw FatalError(uv_error("handle " + signal_name(number), status));
}

void hold_signals() noexcept {
  sigset_t all;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
}

void release_signals() noexcept {
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void ignore_signal(int number) noexcept { std::signal(number, SIG_IGN); }

}  // namespace tcp_echo
