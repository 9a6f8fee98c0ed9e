#include "tcp_echo/loop/signal.hpp"

#include <array>
#include <csignal>
#include <string_view>

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

std::string signal_name(int number) {
  struct Named {
    int number;
    std::string_view name;
  };
  // sigabbrev_np() would do, but musl does not have it.
  static constexpr std::array kNames = {
      Named{SIGHUP, "SIGHUP"},   Named{SIGINT, "SIGINT"},   Named{SIGQUIT, "SIGQUIT"},
      Named{SIGILL, "SIGILL"},   Named{SIGTRAP, "SIGTRAP"}, Named{SIGABRT, "SIGABRT"},
      Named{SIGBUS, "SIGBUS"},   Named{SIGFPE, "SIGFPE"},   Named{SIGKILL, "SIGKILL"},
      Named{SIGUSR1, "SIGUSR1"}, Named{SIGSEGV, "SIGSEGV"}, Named{SIGUSR2, "SIGUSR2"},
      Named{SIGPIPE, "SIGPIPE"}, Named{SIGALRM, "SIGALRM"}, Named{SIGTERM, "SIGTERM"},
      Named{SIGXCPU, "SIGXCPU"}, Named{SIGXFSZ, "SIGXFSZ"}, Named{SIGSYS, "SIGSYS"},
      Named{SIGTTIN, "SIGTTIN"}, Named{SIGTTOU, "SIGTTOU"},
  };
  for (const auto& named : kNames) {
    if (named.number == number) return std::string(named.name);
  }
  return "signal " + std::to_string(number);
}

}  // namespace tcp_echo
