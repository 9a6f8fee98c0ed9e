#include "tcp_echo/worker/orphan.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>

namespace tcp_echo {
namespace {

// A signal handler reaches nothing but globals.
std::atomic<pid_t> master{0};
std::atomic<unsigned> seconds_to_live{5};
static_assert(std::atomic<unsigned>::is_always_lock_free && std::atomic<pid_t>::is_always_lock_free);

// SIGCONT comes from operators, too.
void on_continue(int /*signal*/) noexcept {
  if (is_orphan()) ::alarm(seconds_to_live);
}

}  // namespace

bool is_orphan() noexcept { return ::getppid() != master; }

void watch_over_master() noexcept {
  master = ::getppid();
  struct sigaction action {};
  action.sa_handler = on_continue;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGCONT, &action, nullptr);
  ::prctl(PR_SET_PDEATHSIG, SIGCONT, 0, 0, 0);
}

void limit_orphan_life(std::chrono::milliseconds most) noexcept {
  constexpr std::chrono::hours kLongestAlarm{24 * 365};
  const auto whole =
      std::chrono::ceil<std::chrono::seconds>(std::min<std::chrono::milliseconds>(most, kLongestAlarm));
  seconds_to_live = static_cast<unsigned>(whole.count()) + 1;
}

}  // namespace tcp_echo
