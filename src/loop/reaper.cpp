#include "tcp_echo/loop/reaper.hpp"

#include <spdlog/spdlog.h>
#include <sys/wait.h>

#include <csignal>
#include <utility>

#include "tcp_echo/base/signal_name.hpp"

namespace tcp_echo {
namespace {

ExitStatus status_of(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return {.code = info.si_status};
  return {.signal = info.si_status, .core_dumped = info.si_code == CLD_DUMPED};
}

}  // namespace

std::string ExitStatus::text() const {
  if (signal == 0) return fmt::format("exited with code {}", code);
  return "died from " + signal_name(signal) + (core_dumped ? " (core dumped)" : "");
}

Reaper::Reaper(Loop& loop) : child_changed_(loop, SIGCHLD, [this](int) { reap(); }) {}

void Reaper::watch(pid_t pid, std::function<void(const ExitStatus&)> on_exit) {
  watched_[pid] = std::move(on_exit);
}

void Reaper::forget(pid_t pid) noexcept { watched_.erase(pid); }

// Signals merge, so one of them may stand for many children.
void Reaper::reap() noexcept {
  for (;;) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) return;
    auto watched = watched_.extract(info.si_pid);
    if (watched.empty()) {
      spdlog::debug("reaped process {}, a child of nobody here", info.si_pid);
    } else {
      watched.mapped()(status_of(info));
    }
  }
}

}  // namespace tcp_echo
