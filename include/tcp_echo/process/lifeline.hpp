// The process behind a Child, and the control channel to it. A running master has those that a
// ProgramLauncher makes; a test has others.
#pragma once

#include <sys/types.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/ipc/message.hpp"
#include "tcp_echo/ipc/role_call.hpp"
#include "tcp_echo/loop/reaper.hpp"
#include "tcp_echo/process/child_record.hpp"

namespace tcp_echo {

class Lifeline {
 public:
  /// Hears what comes from the process.
  class Ear {
   public:
    virtual ~Ear() = default;
    virtual void on_message(const ToMaster& message) = 0;
    /// The process speaks another protocol version, so it is not reachable any more. `text` says which.
    virtual void on_foreign(const std::string& text) = 0;
    /// It sent what no process of ours sends.
    virtual void on_nonsense(const std::string& text) = 0;
    /// It has ended, and what it said before has been heard. The lifeline may be destroyed in it.
    virtual void on_exit(const ExitStatus& status) = 0;
  };

  Lifeline() = default;
  Lifeline(const Lifeline&) = delete;
  Lifeline& operator=(const Lifeline&) = delete;
  /// The process goes on, and its ear hears of it no more.
  virtual ~Lifeline() = default;

  virtual pid_t pid() const noexcept = 0;
  /// A process that is gone already is no error.
  virtual void kill(int signal) noexcept = 0;
  /// Fails if it cannot be reached: it hangs, or its exit is about to be heard of. Descriptors are lent.
  virtual Result<void> send(const ToWorker& message, std::span<const int> descriptors) = 0;
  /// It speaks our protocol.
  virtual bool is_reachable() const noexcept = 0;
  /// One that is not reachable sees its end of the channel closed, and leaves by itself then.
  virtual void hang_up_if_foreign() noexcept = 0;
  /// The master's end of the channel, -1 if there is none; and the protocol version that is spoken there.
  virtual int control() const noexcept = 0;
  virtual unsigned protocol() const noexcept = 0;
};

/// Starts processes.
class Launcher {
 public:
  Launcher() = default;
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;
  virtual ~Launcher() = default;

  /// The process runs. `listeners` are lent, and `ear` outlives the lifeline.
  virtual Result<std::unique_ptr<Lifeline>> start(const ChildRole& role, unsigned number,
                                                  const std::vector<int>& listeners, Lifeline::Ear& ear) = 0;
  /// One that was started before an execve(2). The record keeps its descriptor: should something fail, the
  /// former program needs it. Throws FatalError if its channel cannot be used.
  virtual std::unique_ptr<Lifeline> adopt(const ChildRecord& record, Lifeline::Ear& ear) = 0;
};

}  // namespace tcp_echo
