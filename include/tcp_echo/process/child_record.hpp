// What is known of a child, for the program that takes its master's place. Plain values; the descriptor is a
// number of the master process, which stays the same, and is not owned here.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <optional>

namespace tcp_echo {

struct ChildRecord {
  pid_t pid = 0;
  std::size_t block = 0;
  int control = -1;       ///< -1: it was let go of
  unsigned protocol = 0;  ///< the version that it speaks there
  std::chrono::milliseconds started_at{};
  std::chrono::milliseconds ready_at{};  ///< 0: it was not READY yet
  /// The generation that it was started in, and the --watchdog of that; unknown if a former program did not
  /// tell.
  std::optional<unsigned> generation = {};
  std::optional<std::chrono::milliseconds> watchdog = {};
  bool operator==(const ChildRecord&) const = default;
};

}  // namespace tcp_echo
