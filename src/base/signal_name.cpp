#include "tcp_echo/base/signal_name.hpp"

#include <array>
#include <csignal>
#include <string_view>

namespace tcp_echo {

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
