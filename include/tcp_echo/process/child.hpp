// Any process of ours as its master sees it: the same for every role.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tcp_echo/base/counters.hpp"
#include "tcp_echo/base/error.hpp"
#include "tcp_echo/loop/timekeeper.hpp"
#include "tcp_echo/process/child_record.hpp"
#include "tcp_echo/process/heartbeat_watch.hpp"
#include "tcp_echo/process/lifeline.hpp"

namespace tcp_echo {

/// What a child is for.
struct ChildPost {
  const ChildRole& role;  ///< outlives the child
  unsigned number = 0;    ///< which of that role, counted from 1
  std::size_t block = 0;  ///< of the scoreboard, and what it counts there; outlives the child
  const Counter& heartbeats;
  unsigned generation = 0;  ///< that it is started in
  std::chrono::milliseconds watchdog{};
};

class Child final : private Lifeline::Ear {
 public:
  /// Has the child now, and is told what becomes of it. A child changes hands in its life; it reports to one
  /// holder at a time.
  class Holder {
   public:
    virtual ~Holder() = default;
    /// The child may be given to another holder in it, and not be destroyed.
    virtual void on_message(Child& child, const ToMaster& message) = 0;
    /// It has ended, and this is the last that is heard of it: it may be destroyed.
    virtual void on_exit(Child& child, const ExitStatus& status) = 0;
  };

  /// Why its master has killed it.
  enum class Doom : std::uint8_t {
    kNone,  ///< it has not, or for something that counts as a crash
    kHung,  ///< its loop had stood still
    kLate,  ///< it was not READY in time
  };

  /// The process runs, and waits for its first message. `clock` and `holder` outlive the child.
  static Result<std::unique_ptr<Child>> start(Timekeeper& clock, Launcher& launcher, const ChildPost& post,
                                              const std::vector<int>& listeners, Holder& holder);
  /// One that was started before an execve(2); what its record does not tell is as in `post`. Throws
  /// FatalError if its channel cannot be used.
  static std::unique_ptr<Child> adopt(Timekeeper& clock, Launcher& launcher, ChildPost post,
                                      const ChildRecord& record, Holder& holder);
  ChildRecord record() const;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// From now on.
  void report_to(Holder& holder) noexcept { holder_ = &holder; }

  /// Fails if it cannot be reached: it hangs, or its exit is about to be heard of. Descriptors are lent.
  Result<void> try_tell(const ToWorker& message, std::span<const int> descriptors = {});
  /// The same, with a line in the log for a failure.
  void tell(const ToWorker& message, std::span<const int> descriptors = {});
  /// A child of another protocol version has to see the channel end instead: then it leaves by itself.
  void tell_to_end(const ToWorker& message);
  bool is_reachable() const noexcept { return lifeline_->is_reachable(); }
  /// It logs to that descriptor and so from now on, unless it speaks another protocol version.
  void change_log(int descriptor, const LogMessage& how);

  void kill(int signal) { lifeline_->kill(signal); }
  /// It hangs: SIGABRT, so that it leaves a core. The caller kills it if it is still there after `patience`.
  /// Gives what was logged of that.
  std::string abort(std::chrono::milliseconds patience);
  /// It is not READY after `patience`.
  void kill_late(std::chrono::milliseconds patience);
  /// It was told to end and has not.
  void kill_overdue();
  /// It said something that does not become a process of its kind, or not now: "sent a message ...".
  void kill_for(const std::string& misdeed);
  Doom doom() const noexcept { return doom_; }

  void note_ready() { ready_at_ = clock_.now(); }
  bool was_ready() const noexcept { return ready_at_.count() != 0; }
  /// In milliseconds of the monotonic clock.
  std::chrono::milliseconds started_at() const noexcept { return started_at_; }
  /// 0 if it never became ready, at least a millisecond if it did.
  std::chrono::milliseconds served_for() const;
  /// `since_last_look`: see HeartbeatWatch.
  bool is_hung(std::chrono::milliseconds since_last_look);

  pid_t pid() const noexcept { return lifeline_->pid(); }
  /// Which of its role, counted from 1.
  unsigned number() const noexcept { return post_.number; }
  std::size_t block() const noexcept { return post_.block; }
  /// The number of the generation that it was started in.
  unsigned generation() const noexcept { return post_.generation; }
  /// "worker 2 (pid 4713)", "admin process (pid 4714)".
  std::string name() const;
  /// "worker 2 (pid 4713) died from SIGSEGV after 3.1 s before it was ready".
  std::string obituary(const ExitStatus& status) const;

 private:
  Child(Timekeeper& clock, const ChildPost& post, Holder& holder);

  void on_message(const ToMaster& message) override { holder_->on_message(*this, message); }
  void on_foreign(const std::string& text) override;
  void on_nonsense(const std::string& text) override { kill_for("sent " + text); }
  void on_exit(const ExitStatus& status) override { holder_->on_exit(*this, status); }

  Timekeeper& clock_;
  ChildPost post_;
  Holder* holder_;
  std::chrono::milliseconds started_at_{};
  std::chrono::milliseconds ready_at_{};
  HeartbeatWatch heartbeat_;
  Doom doom_ = Doom::kNone;
  std::unique_ptr<Lifeline> lifeline_;
};

}  // namespace tcp_echo
