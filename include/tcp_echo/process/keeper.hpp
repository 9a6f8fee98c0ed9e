// One process of ours that is always there: started again when it has ended, replaced when another one is
// wanted. It has nothing that would have to be handed over. So a successor is started beside it, and as soon
// as that is READY it is told to leave.
//
// Its listeners belong to the master as well: while no process is there, clients wait in the accept queues. A
// process that is told to leave answers those who wait there before.
#pragma once

#include <chrono>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "tcp_echo/base/counters.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/ipc/event_log.hpp"
#include "tcp_echo/loop/deadline.hpp"
#include "tcp_echo/loop/timekeeper.hpp"
#include "tcp_echo/loop/timer.hpp"
#include "tcp_echo/process/backoff.hpp"
#include "tcp_echo/process/child.hpp"
#include "tcp_echo/process/keeper_record.hpp"
#include "tcp_echo/process/lifeline.hpp"
#include "tcp_echo/process/watchdog.hpp"

namespace tcp_echo {

/// What the process is to be.
struct KeeperPlan {
  unsigned generation = 1;
  /// Open as long as a process of this plan is there. None: no process is wanted.
  std::vector<std::shared_ptr<const UniqueFd>> listeners = {};
  std::chrono::milliseconds ready_timeout{};
  std::chrono::milliseconds watchdog{};
  Backoff backoff;
};

class Keeper final : private Child::Holder {
 public:
  class Host {
   public:
    virtual ~Host() = default;
    /// The process runs, and waits for its first message.
    virtual void introduce(Child& child) = 0;
    /// Its loop turns.
    virtual void on_beat(Child& child) = 0;
    /// It has ended with an error, or could not be started; another one is started.
    virtual void on_failure() = 0;
    /// One that was told to leave has.
    virtual void on_left() = 0;
    /// After end(): the last one has ended.
    virtual void on_gone() = 0;
  };

  /// What a process that leaves has for the requests that are under way. Nobody waits for it.
  static constexpr std::chrono::milliseconds kTimeToFinish{10000};
  /// The same for one whose listeners are not wanted any more: the next change waits until they are closed.
  static constexpr std::chrono::milliseconds kTimeToClear{1000};
  /// Beyond its time, before it is killed: it may have the smallest share of a busy machine.
  static constexpr std::chrono::milliseconds kGrace{2000};

  /// All of them outlive it.
  Keeper(Timekeeper& clock, Launcher& launcher, EventLog& events, const ChildRole& role, Host& host);
  ~Keeper() override;
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  /// From now on, and until the next call. A process of a former plan stays until one of this plan is READY,
  /// if it has the same listeners.
  void keep(KeeperPlan plan);
  /// No process is wanted any more; what is there may take so long to finish.
  void end(std::chrono::milliseconds time);
  /// All of its processes log to that descriptor from now on.
  void change_log(int descriptor, const LogMessage& how);
  /// A process of a former plan has some which are not of this one.
  bool holds_removed_listeners() const;

  KeeperRecord record() const;
  /// In place of keep(): as the program before this one (an upgrade) has left it. Nothing is started, nor
  /// told, before the loop turns: until then that program may go on. Throws FatalError.
  void restore(const KeeperRecord& record, KeeperPlan plan);

 private:
  using Listeners = std::vector<std::shared_ptr<const UniqueFd>>;
  /// A process, with what has to stay as long as it does.
  struct Resident;
  using ResidentPointer = std::unique_ptr<Resident>;

  void on_message(Child& child, const ToMaster& message) override;
  void on_exit(Child& child, const ExitStatus& status) override;
  void take_up();
  void start_next();
  void start_one_to_empty_queues();
  void clear_listeners();
  void try_later(const std::string& what, std::chrono::milliseconds served_for, bool is_clean);
  void on_ready(Child& child);
  void dismiss(ResidentPointer resident, std::chrono::milliseconds time);
  void tell_to_leave(Resident& resident, std::chrono::milliseconds time);
  void kill_after(Resident& resident, std::chrono::milliseconds time);
  void on_late();
  void abort_if_hung(std::chrono::milliseconds since_last_look);
  ChildPost post_for(const Resident& resident) const;
  ResidentPointer adopt(const ChildRecord& record);
  Resident* find(const Child& child) const;
  bool forget_leaver(const Child& child);
  void tell_if_gone();

  Timekeeper& clock_;
  Launcher& launcher_;
  EventLog& events_;
  const ChildRole& role_;
  Host& host_;
  KeeperPlan plan_;
  ResidentPointer serving_;    ///< has been READY
  ResidentPointer candidate_;  ///< not yet
  std::list<ResidentPointer> leavers_;
  bool is_ending_ = false;
  Timer retry_;    ///< after a failure
  Timer take_up_;  ///< what another program has left
  Deadline late_;
  Watchdog watchdog_;
};

}  // namespace tcp_echo
