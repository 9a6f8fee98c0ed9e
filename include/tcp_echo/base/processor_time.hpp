// How much of its time a thread is at work, as the kernel sees it: no cost for the work itself.
#pragma once

#include <chrono>
#include <filesystem>
#include <string_view>

#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo {

struct ProcessorTime {
  std::chrono::nanoseconds used{};
  std::chrono::nanoseconds waited{};  ///< ready to run, but without a CPU; 0 where the kernel does not tell
};

/// The time waited, from a line of /proc/thread-self/schedstat (Documentation/scheduler/sched-stats.rst of
/// Linux); 0 if it is no such line.
std::chrono::nanoseconds waited_time(std::string_view schedstat);

class ProcessorClock {
 public:
  /// For the calling thread, which is the one to read it. Keeps a descriptor open on `schedstat`, so that a
  /// process that may open nothing later can still look; the argument is for tests.
  explicit ProcessorClock(const std::filesystem::path& schedstat = "/proc/thread-self/schedstat");

  /// Since the thread was started.
  ProcessorTime read() const noexcept;

 private:
  UniqueFd schedstat_;  ///< none where the kernel has no such file
};

}  // namespace tcp_echo
