// The workers: one slot for each, with the process that fills it now, and those that finish beside it.
//
// What happens next is decided by pure parts: slot_fsm (what), Backoff (when), HeartbeatWatch (whether one
// hangs), Loans (who accepts for a slot without a worker). This carries their decisions out.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/loop/timer.hpp"
#include "tcp_echo/master/listener_set.hpp"
#include "tcp_echo/master/loans.hpp"
#include "tcp_echo/master/slot_fsm.hpp"
#include "tcp_echo/master/worker_process.hpp"

namespace tcp_echo {

/// Workers end their drain by themselves, within --shutdown-timeout; this is for one that hangs.
inline constexpr std::chrono::milliseconds kGraceAfterDeadline{500};

class Fleet {
 public:
  struct Handlers {
    std::function<void()> on_all_ready;           ///< once: the service is up
    std::function<void(Error)> on_start_failure;  ///< before that, for good; some workers may still run
    std::function<void()> on_change;              ///< ready_count() may have changed
    std::function<void()> on_all_gone;            ///< after drain() or stop()
  };

  /// `resources` and `listeners` outlive the fleet.
  Fleet(Loop& loop, const WorkerResources& resources, const ListenerSet& listeners, unsigned slots,
        Handlers handlers);
  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  void start();
  /// Every worker takes who waits in its accept queues, finishes what is under way, and leaves.
  void drain();
  /// Every worker closes everything and leaves, or is killed shortly after.
  void stop();

  /// Every worker logs to that descriptor from now on.
  void pass_on_log(int descriptor);
  /// One line per slot.
  void log_statistics() const;

  std::size_t ready_count() const;

 private:
  struct Slot;
  struct Leaver;

  void handle(Slot& slot, SlotEvent event);
  void act(Slot& slot, SlotAction action);
  void spawn(Slot& slot);
  void spawn_to_drain(Slot& slot);
  Result<void> try_spawn(Slot& slot);
  void serve(Slot& slot);
  void tell_drain(Slot& slot);
  void abort(Slot& slot);
  void abort(Leaver& leaver);
  void abort(WorkerProcess& worker) const;
  void replace(Slot& slot);
  void schedule_spawn(Slot& slot);
  void tell_stop(Slot& slot);
  void leave();

  void on_message(Slot& slot, std::size_t block, const Message& message);
  void on_exit(Slot& slot, std::size_t block, const ExitStatus& status);
  void on_refused_loan(Slot& slot, const RefuseLoanMessage& message);
  void on_ready(Slot& slot);
  void on_late(Slot& slot);
  void on_unserved(Slot& slot);
  void on_leaver_overdue(Leaver& leaver);
  std::unique_ptr<WorkerProcess> take(Slot& slot, std::size_t block);

  bool start_has_failed() const;
  void hasten_someone();
  void expect_service(Slot& slot, std::chrono::milliseconds delay);
  void settle_loans();
  bool lend(std::size_t lender, std::size_t borrower);
  bool take_back(std::size_t lender, std::size_t borrower);
  void look_for_hung_workers();

  bool anyone_serves() const;
  std::size_t free_block() const;
  void publish(const Slot& slot) const;

  Loop& loop_;
  WorkerResources resources_;
  const ListenerSet& listeners_;
  Handlers handlers_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::list<std::unique_ptr<Leaver>> leavers_;
  std::vector<bool> blocks_in_use_;
  Loans loans_;
  Timer loan_retry_;
  Timer watch_;
  std::chrono::milliseconds last_look_{};
  std::chrono::milliseconds end_by_{};  ///< set by drain()
  bool all_were_ready_ = false;
  bool start_failed_ = false;
  bool is_ending_ = false;
};

}  // namespace tcp_echo
