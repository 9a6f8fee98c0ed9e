// Reaps this process's children: SIGCHLD and waitid(2).
//
// All of them, also those it does not know: as PID 1 of a container a process inherits every orphan, and a
// child that was started before an execve(2) is still a child after it. So nothing else in the process may
// wait for children; libuv does so only for its uv_process_t handles, which ChildProcess closes at once.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "tcp_echo/loop/signal.hpp"

namespace tcp_echo {

struct ExitStatus {
  int code = 0;
  int signal = 0;  ///< 0: it exited by itself
  bool core_dumped = false;

  bool is_clean() const noexcept { return code == 0 && signal == 0; }
  /// "exited with code 3", "died from SIGSEGV (core dumped)".
  std::string text() const;
};

class Reaper {
 public:
  /// One per process. Throws FatalError if SIGCHLD cannot be handled.
  explicit Reaper(Loop& loop);
  Reaper(const Reaper&) = delete;
  Reaper& operator=(const Reaper&) = delete;

  /// Reaps children that died before there was a Reaper to hear SIGCHLD. Call it once those children that
  /// were there before are watched, if there are any.
  void catch_up() noexcept { reap(); }

  /// `on_exit` is called once, from the loop, after the child was reaped. Call this in the turn of the loop
  /// in which the child was started, so that its exit cannot come first.
  void watch(pid_t pid, std::function<void(const ExitStatus&)> on_exit);
  /// The child's exit is not reported any more; it is reaped all the same.
  void forget(pid_t pid) noexcept;

 private:
  void reap() noexcept;

  std::map<pid_t, std::function<void(const ExitStatus&)>> watched_;
  Signal child_changed_;
};

}  // namespace tcp_echo
