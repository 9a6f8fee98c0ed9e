// One worker process as its master sees it: the child, the control channel to it, and its block of the
// scoreboard.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/daemon/credentials.hpp"
#include "tcp_echo/fleet/fleet_record.hpp"
#include "tcp_echo/ipc/channel.hpp"
#include "tcp_echo/ipc/scoreboard.hpp"
#include "tcp_echo/listeners/generation.hpp"
#include "tcp_echo/loop/child_process.hpp"
#include "tcp_echo/process/heartbeat_watch.hpp"

namespace tcp_echo {

/// What every worker is started with; all of it outlives the workers.
struct WorkerResources {
  Scoreboard& scoreboard;
  Reaper& reaper;
  Credentials credentials;
  int executable;      ///< descriptor of the program to start
  int log_descriptor;  ///< becomes the workers' stderr, with its O_NONBLOCK
};

/// The place that a worker fills.
struct WorkerPlace {
  unsigned slot = 0;  ///< counted from 1
  std::size_t block = 0;
  bool waits = false;  ///< accepts nobody before it is told to
};

class WorkerProcess {
 public:
  struct Handlers {
    std::function<void(const Message&)> on_message;
    std::function<void(const ExitStatus&)> on_exit;  ///< the object may be destroyed in it
  };

  /// The process runs and was told who it is. One that cannot be told will not become READY; that, or its
  /// exit, says so.
  static Result<std::unique_ptr<WorkerProcess>> start(Loop& loop, const WorkerResources& resources,
                                                      const Generation& generation, WorkerPlace place,
                                                      Handlers handlers);
  /// One that was started before an execve(2); what its record does not tell is as in `generation`. Throws
  /// FatalError if its channel cannot be used.
  static std::unique_ptr<WorkerProcess> adopt(Loop& loop, const WorkerResources& resources,
                                              const Generation& generation, unsigned slot,
                                              const WorkerRecord& record, UniqueFd control,
                                              Handlers handlers);
  WorkerRecord record() const;
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  /// Fails if the worker cannot be reached: it hangs, or its exit is about to be heard of.
  Result<void> try_tell(const Message& message, std::span<const int> descriptors = {});
  /// The same, with a line in the log for a failure.
  void tell(const Message& message, std::span<const int> descriptors = {});
  /// One that does not understand us has to see the channel end instead: then it leaves by itself.
  void tell_to_end(const Message& message);
  void kill(int signal) { process_->kill(signal); }
  /// It speaks our protocol.
  bool is_reachable() const noexcept { return control_ != nullptr; }

  void note_ready() { ready_at_ = loop_.now(); }
  bool was_ready() const noexcept { return ready_at_.count() != 0; }
  /// 0 if it never became ready, at least a millisecond if it did.
  std::chrono::milliseconds served_for() const;
  /// `since_last_look`: see HeartbeatWatch.
  bool is_hung(std::chrono::milliseconds since_last_look);

  pid_t pid() const noexcept { return process_->pid(); }
  std::size_t block() const noexcept { return place_.block; }
  /// The number of the generation that it was started in.
  unsigned generation() const noexcept { return generation_; }
  /// What it was started with; what counts later for others does not count for it.
  std::chrono::milliseconds watchdog() const noexcept { return heartbeat_.watchdog(); }
  const WorkerCounters& counters() const;
  /// "worker 2 (pid 4713)".
  std::string name() const;
  /// "worker 2 (pid 4713) died from SIGSEGV after 3.1 s, with 2 connections open".
  std::string obituary(const ExitStatus& status) const;

 private:
  WorkerProcess(Loop& loop, const WorkerResources& resources, WorkerPlace place, unsigned generation,
                std::chrono::milliseconds watchdog, Handlers handlers);
  void open_control(UniqueFd fd);
  Result<void> spawn(const Generation& generation, int control);
  void introduce(const Generation& generation);
  void on_exit(const ExitStatus& status);
  void on_nonsense(const DecodeError& error);

  Loop& loop_;
  WorkerResources resources_;
  WorkerPlace place_;
  unsigned generation_;
  Handlers handlers_;
  std::chrono::milliseconds started_at_{};
  std::chrono::milliseconds ready_at_{};
  HeartbeatWatch heartbeat_;
  std::unique_ptr<ChildProcess> process_;
  std::unique_ptr<Channel> control_;
  UniqueFd foreign_control_;  ///< in its place if the worker speaks another protocol
  unsigned protocol_;
};

}  // namespace tcp_echo
