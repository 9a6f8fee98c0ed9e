// The workers: one slot for each, with the process that fills it now, and those that finish beside it.
//
// What happens next is decided by pure parts: slot_fsm (what), Backoff (when), HeartbeatWatch (whether one
// hangs), Loans (who accepts for a slot without a worker). This carries their decisions out.
//
// Everything that changes workers on purpose (reload, scale, a single one's restart) is one movement:
// successors are started beside the workers that serve, and hold still until all of them are READY. Then they
// take the places, the former workers hand their connections over and leave. Until that moment a failure
// costs nothing.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/fleet/clearings.hpp"
#include "tcp_echo/fleet/emptiers.hpp"
#include "tcp_echo/fleet/fleet_record.hpp"
#include "tcp_echo/fleet/loans.hpp"
#include "tcp_echo/fleet/slot_fsm.hpp"
#include "tcp_echo/fleet/worker_process.hpp"
#include "tcp_echo/listeners/generation.hpp"
#include "tcp_echo/loop/timer.hpp"

namespace tcp_echo {

/// Workers end their drain by themselves, within --shutdown-timeout; this is for one that hangs.
inline constexpr std::chrono::milliseconds kGraceAfterDeadline{500};

/// From the workers as they are to those that shall be.
struct Movement {
  std::shared_ptr<const Generation> generation;  ///< of the new workers, and of all that start later
  unsigned workers = 0;                          ///< slots that serve afterwards
  std::vector<unsigned> renewed;  ///< slots, from 0, that get a new worker; all below `workers`
  /// Called when all of them are READY, before anything changes; a failure keeps everything as it is.
  std::function<Result<void>()> before_change;
  /// Called once: everything has changed, or nothing.
  std::function<void(const Result<void>&)> on_done;
};

class Fleet {
 public:
  struct Handlers {
    std::function<void()> on_all_ready;           ///< once: the service is up
    std::function<void(Error)> on_start_failure;  ///< before that, for good; some workers may still run
    std::function<void()> on_change;              ///< ready_count() may have changed
    /// That worker wants a successor, and serves on until then.
    std::function<void(unsigned slot, pid_t worker)> on_leaving;
    std::function<void()> on_all_gone;  ///< after drain() or stop()
  };

  /// `resources` outlive the fleet.
  Fleet(Loop& loop, const WorkerResources& resources, std::shared_ptr<const Generation> generation,
        unsigned slots, Handlers handlers);
  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  void start();
  /// In place of start(): everything goes on as another program has left it. Throws FatalError.
  void take_over(const FleetRecord& record);
  /// The slots and the leavers as they are now. Not during a movement.
  FleetRecord record() const;
  /// One at a time, after on_all_ready and before the end.
  void move(Movement movement);
  /// Until those that lost their places have handed over, or it turns out that they cannot for now, and the
  /// last listener that was removed is closed: its address may be wanted again by what comes next.
  bool is_moving() const;
  /// Every worker takes who waits in its accept queues, finishes what is under way, and leaves.
  void drain();
  /// Every worker closes everything and leaves, or is killed shortly after.
  void stop();

  /// Every worker logs to that descriptor from now on.
  void pass_on_log(int descriptor);
  /// One line per slot.
  void log_statistics() const;

  std::size_t ready_count() const;
  /// Those that have ever had a worker, from the first on.
  unsigned slots_with_a_past() const noexcept { return slots_with_a_past_; }
  /// 0 if the slot has none.
  pid_t worker_of(unsigned slot) const;

 private:
  struct Slot;
  struct Leaver;

  void handle(Slot& slot, SlotEvent event);
  void act(Slot& slot, SlotAction action);
  void spawn(Slot& slot);
  WorkerProcess::Handlers handlers_for(Slot& slot, std::size_t block);
  Result<std::unique_ptr<WorkerProcess>> start_process(Slot& slot, const Generation& generation, bool waits);
  Result<void> try_spawn(Slot& slot);
  void serve(Slot& slot);
  void abort(Slot& slot);
  void abort(Leaver& leaver);
  void abort(WorkerProcess& worker) const;
  void schedule_spawn(Slot& slot);

  void on_message(Slot& slot, std::size_t block, const Message& message);
  void on_exit(Slot& slot, std::size_t block, const ExitStatus& status);
  void on_refused_loan(Slot& slot, const RefuseLoanMessage& message);
  void on_ready(Slot& slot);
  void on_late(Slot& slot);
  void on_unserved(Slot& slot);

  // fleet_end.cpp
  void expect_emptiers();
  void spawn_to_drain(Slot& slot);
  void entrust_what_nobody_empties(Slot& slot);
  void tell_drain(WorkerProcess& worker) const;
  void tell_stop(Slot& slot);
  void leave();
  Slot* find_one_to_drain();

  // fleet_movement.cpp
  void on_candidate_message(Slot& slot, const Message& message);
  void on_candidates_late();
  void change();
  void fail_movement(const Error& error);
  void install(Slot& slot);
  void dismiss(Slot& slot);
  void clear_place(Slot& slot);

  // fleet_takeover.cpp
  std::unique_ptr<WorkerProcess> adopt(Slot& slot, const WorkerRecord& record);
  void take_over(Slot& slot, const SlotRecord& record);

  // fleet_leavers.cpp
  Leaver& let_leave(Slot& slot, std::unique_ptr<WorkerProcess> worker);
  void hand_over(Leaver& leaver);
  std::optional<std::size_t> successor_of(const Leaver& leaver) const;
  static bool wants_successor(const Leaver& leaver);
  void try_again(Leaver& leaver);
  void let_stay(Leaver& leaver) const;
  void on_leaver_message(Leaver& leaver, const Message& message);
  void on_leaver_overdue(Leaver& leaver);
  void drain_leaver(Leaver& leaver, std::chrono::milliseconds left) const;
  void stop_leaver(Leaver& leaver);
  void expect_death(Leaver& leaver);
  Leaver* leaver_with(std::size_t block);
  std::unique_ptr<WorkerProcess> take(Slot& slot, std::size_t block);

  // fleet_loans.cpp
  void expect_service(Slot& slot, std::chrono::milliseconds delay);
  bool needs_borrower(const Slot& slot) const;
  static bool can_borrow(const Slot& slot);
  void settle_loans();
  bool lend(std::size_t lender, std::size_t borrower);
  bool take_back(std::size_t lender, std::size_t borrower);

  bool start_has_failed() const;
  void hasten_someone();
  void look_for_hung_workers();
  void begin_to_watch();

  const Config& config() const noexcept { return generation_->config; }
  bool anyone_serves() const;
  std::optional<std::size_t> tell_someone(const Message& message, std::span<const int> descriptors);
  void tell(std::size_t block, const Message& message);
  bool heeds_clearing(std::size_t block, const Message& message);
  std::size_t free_block() const;
  void publish(const Slot& slot);
  void log_statistics(const Slot& slot) const;

  Loop& loop_;
  WorkerResources resources_;
  std::shared_ptr<const Generation> generation_;
  Handlers handlers_;
  std::vector<std::unique_ptr<Slot>> slots_;
  unsigned slots_with_a_past_ = 0;  ///< not those of a movement that failed
  std::list<std::unique_ptr<Leaver>> leavers_;
  Clearings clearings_;
  std::size_t told_last_ = 0;  ///< the slot that was told something which any of them might be
  std::vector<bool> blocks_in_use_;
  Loans loans_;
  Emptiers emptiers_;
  std::optional<Movement> movement_;
  Timer candidates_late_;
  bool late_for_sure_ = false;  ///< the candidates
  Timer loan_retry_;
  Timer watch_;
  std::chrono::milliseconds last_look_{};
  std::chrono::milliseconds end_by_{};  ///< set by drain(); in the past after stop()
  bool all_were_ready_ = false;
  bool start_failed_ = false;
  bool is_changing_ = false;
  bool is_ending_ = false;
};

}  // namespace tcp_echo
