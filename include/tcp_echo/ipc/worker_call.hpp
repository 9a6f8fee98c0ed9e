// How a master calls a worker into being: the same program with other arguments, and descriptors at agreed
// numbers. Both sides use this, so that they cannot disagree.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace tcp_echo {

inline constexpr const char* kWorkerWord = "worker";
inline constexpr int kLogDescriptor = 2;
inline constexpr int kControlDescriptor = 3;
inline constexpr int kFirstListenerDescriptor = 4;
inline constexpr std::size_t kMostListenersOfAWorker = 64;

struct WorkerCall {
  unsigned slot = 0;          ///< counted from 1
  std::size_t listeners = 0;  ///< their descriptors follow each other
  bool operator==(const WorkerCall&) const = default;

  /// The program file, which is needed only to get it started.
  int program_descriptor() const noexcept { return kFirstListenerDescriptor + static_cast<int>(listeners); }
  /// The log, which the worker puts in the place of kLogDescriptor; the last of the descriptors. uv_spawn(3)
  /// would make 0 to 2 wait again: it clears their O_NONBLOCK, which all processes with that log share.
  int log_descriptor() const noexcept { return program_descriptor() + 1; }
};

/// argv, the program's name first: "tcp-echo-master worker SLOT LISTENERS".
std::vector<std::string> to_argv(const WorkerCall& call);

/// `arguments` without the program's name. Nothing if this is no such call.
std::optional<WorkerCall> parse_worker_call(const std::vector<std::string>& arguments);

}  // namespace tcp_echo
