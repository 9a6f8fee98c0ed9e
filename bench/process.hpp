// A child process: started pinned to processors, listened to through a pipe, and ended when its object goes,
// whatever became of us: the kernel kills it if we die (PR_SET_PDEATHSIG).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo::bench {

using Clock = std::chrono::steady_clock;

/// A signal came: unwinds to main(), and so ends every child on the way.
struct Interrupted {
  int signal;
};

/// From here on TERM, INT and HUP are noted; whatever waits throws Interrupted then.
void note_signals();
void throw_if_interrupted();

/// Sleeps so long, or until a signal comes.
void pause_for(std::chrono::milliseconds time);

class Process {
 public:
  using Command = std::vector<std::string>;

  /// An empty list of processors leaves them to the kernel.
  Process(const Command& command, const std::vector<int>& cpus);
  ~Process() { stop(SIGKILL); }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const noexcept { return pid_; }

  /// Reads what it prints, for a moment at most. False once it has ended.
  bool listen(std::chrono::milliseconds moment);

  /// Standard output and error, as far as it was listened to.
  const std::string& output() const noexcept { return output_; }

  /// The first complete line that it prints, as soon as it is there.
  std::optional<std::string> first_line(std::chrono::milliseconds timeout);

  /// Listens until it ends, calling `meanwhile` some hundred times a second. Its exit code; nothing if it had
  /// to be killed after `timeout`, or died from a signal.
  std::optional<int> wait(
      std::chrono::milliseconds timeout, const std::function<void()>& meanwhile = [] {});

  /// How it has ended, in words: "exited with code 1".
  std::string ending() const;

  /// Asks it to end by that signal, and kills it if it has not in time.
  void stop(int signal, std::chrono::milliseconds grace = std::chrono::milliseconds(0));

 private:
  bool reap(int options);

  pid_t pid_ = -1;
  std::optional<int> status_;  ///< of waitpid(2), once it has ended
  bool was_late_ = false;      ///< and so was killed by wait()
  UniqueFd pipe_;
  std::string output_;
};

/// What a command prints; nothing if it cannot be run or fails.
std::optional<std::string> output_of(const Process::Command& command);

/// Whether the shell would find it.
bool is_installed(const std::string& program);

/// A file of /proc or /sys; empty if it cannot be read.
std::string read_file(const std::string& path);

/// The children of a process, by /proc.
std::vector<pid_t> children_of(pid_t parent);

/// Processor time that a process has used with all its threads, in seconds; nothing if there is no process.
std::optional<double> cpu_seconds(pid_t pid);

/// Memory that belongs to this process alone, in bytes (Private_Clean and Private_Dirty of proc(5)); nothing
/// if the kernel does not say.
std::optional<double> private_memory(pid_t pid);

}  // namespace tcp_echo::bench
