// What changes the workers on purpose, one thing after the other: takes it from the agenda, carries it out,
// and tells its JobWaiters how it went.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/ticket.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/config/reader.hpp"
#include "tcp_echo/fleet/fleet.hpp"
#include "tcp_echo/ipc/event_log.hpp"
#include "tcp_echo/ipc/scoreboard.hpp"
#include "tcp_echo/jobs/agenda.hpp"
#include "tcp_echo/loop/timer.hpp"
#include "tcp_echo/process/backoff.hpp"
#include "tcp_echo/upgrade/upgrade_state.hpp"

namespace tcp_echo {

/// What was done, in a sentence, or why it was not: then nothing has changed.
using Outcome = Result<std::string>;

/// Waits for all jobs, as the service manager does.
class JobWaiter {
 public:
  virtual ~JobWaiter() = default;
  virtual void on_begin(const Job& job) = 0;
  virtual void on_end(const Job& job, const Outcome& outcome) = 0;
};

class Jobs {
 public:
  /// What a job needs of the master.
  class Host {
   public:
    virtual ~Host() = default;
    /// The configuration, read again.
    virtual Result<GivenConfig> read_config() = 0;
    /// Something else than the fleet still has listeners of an address that was removed: it may be wanted
    /// again by what comes next. proceed() is called when it has not.
    virtual bool holds_removed_listeners() const = 0;
    /// From now on the master and all workers log there, as `next` says.
    virtual Result<void> change_log(const UniqueFd& log, const Config& next) = 0;
    /// Another generation serves, perhaps with other addresses.
    virtual void on_changed() = 0;
    /// Begins with an upgrade. It ends with on_upgrade_failed(), or this program does.
    virtual void upgrade() = 0;
    /// This program has taken over. The reload by which it had to prove that it can serve has gone well, or
    /// not: then this program does not go on.
    virtual void prove() = 0;
    virtual void go_back() = 0;
    /// To one who has asked for a job and waited for its end.
    virtual void answer(Ticket ticket, const Outcome& outcome) = 0;
  };

  /// So many workers are wanted at first. All the others outlive the object.
  Jobs(Timekeeper& clock, Fleet& fleet, Scoreboard& scoreboard, Host& host, unsigned workers);

  /// Told of each job from now on.
  void add(JobWaiter& waiter) { waiters_.push_back(&waiter); }

  // To be done, one thing after the other; soon, but not at once: the caller may be in the middle of the very
  // thing that the job would change. Those who wait for the end are answered then.
  void ask_for_reload(std::vector<Ticket> waiting = {});
  void ask_for_upgrade(std::vector<Ticket> waiting = {});
  /// So many more, or fewer if it is less than 0.
  void ask_for_more_workers(int by);
  /// So many in all.
  void ask_for_workers(unsigned workers, std::vector<Ticket> waiting = {});
  /// Of that slot's worker, from 0, as long as it is still that one.
  void ask_for_restart(unsigned slot, pid_t worker, std::vector<Ticket> waiting = {});
  /// The same, on the worker's own wish: tried until it succeeds.
  void ask_for_successor(unsigned slot, pid_t worker);

  /// A job may be possible now that was not before.
  void proceed() { due_.start(std::chrono::milliseconds(0)); }
  /// With a job.
  bool is_busy() const noexcept { return job_.has_value(); }
  /// This program has taken over, and has not shown yet that it can serve.
  bool is_proving() const noexcept { return has_to_prove_itself_; }
  void on_upgrade_failed(const Error& error);

  /// How many are wanted now.
  unsigned workers() const noexcept { return workers_; }

  /// What is not done yet, and what holds, for a program that takes over.
  void record(UpgradeState& state) const;
  /// `has_to_prove_itself`: its first job is a reload, and a failure of that its end.
  void restore(const UpgradeState& state, bool has_to_prove_itself);
  /// This is the former program again: the other one could not take over, and why.
  void on_return(const std::string& why);

 private:
  void ask_for(Job job);
  void begin_next();
  std::optional<Job> next_job();
  std::optional<Outcome> outcome_at_once(const Job& job) const;
  unsigned wanted_after(const Job& job) const;
  Result<void> begin(const Job& job);
  void end(const Result<void>& done);
  void go_back(const Error& error);
  void answer(const std::vector<Ticket>& waiting, const Outcome& outcome);

  Result<void> reload();
  Result<Movement> plan_reload();
  Result<void> scale(unsigned workers);
  void restart(const Job& job);
  void take_up(unsigned workers, bool is_set_by_hand);

  Outcome note_end(const Job& job, const Result<void>& done);
  Outcome note_upgrade(const Result<void>& done);
  Outcome note_reload(const Result<void>& done);
  Outcome note_scale(const Result<void>& done);
  Outcome note_restart(const Job& job, const Result<void>& done);
  std::chrono::milliseconds retry_later(const Job& job);
  const Config& config() const { return fleet_.generation()->config; }

  Fleet& fleet_;
  Scoreboard& scoreboard_;
  EventLog events_;
  Host& host_;
  std::vector<JobWaiter*> waiters_;
  Agenda agenda_;
  std::optional<Job> job_;  ///< under way
  unsigned workers_;
  bool is_set_by_hand_ =
      false;  ///< the number of workers; until the configuration names another one than it did
  bool has_to_prove_itself_ = false;
  std::optional<Job> owed_reload_;     ///< one that the former program was asked for
  std::vector<Ticket> await_upgrade_;  ///< until this program has proved itself
  std::string failure_;                ///< why this program goes back, if it does
  std::vector<Job> failed_restarts_;
  Backoff restart_backoff_;
  Timer due_;    ///< rings when a job may be begun
  Timer retry_;  ///< rings when the failed restarts are tried again
};

}  // namespace tcp_echo
