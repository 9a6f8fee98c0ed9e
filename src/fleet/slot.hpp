// The place of one worker: carries out what slot_fsm decides, with the process that fills the place now.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "changeover.hpp"
#include "ending.hpp"
#include "household.hpp"
#include "tcp_echo/fleet/fleet_record.hpp"
#include "tcp_echo/fleet/slot_fsm.hpp"
#include "tcp_echo/loop/deadline.hpp"
#include "tcp_echo/loop/timer.hpp"
#include "tcp_echo/process/backoff.hpp"
#include "tcp_echo/process/child.hpp"

namespace tcp_echo {

class Slot final : private Child::Holder {
 public:
  /// What a slot cannot do alone.
  class Host {
   public:
    virtual ~Host() = default;
    /// The slot has taken a step, and shows another worker or state.
    virtual void on_step(const Slot& slot) = 0;
    /// Its worker has become READY.
    virtual void on_served(const Slot& slot) = 0;
    /// Its worker wants a successor, and serves on until then.
    virtual void on_leaving(const Slot& slot) = 0;
    /// The worker that is to take the slot's place.
    virtual Candidate take_candidate(const Slot& slot) = 0;
    /// Its worker has lost its place; null if there was none. `is_dying`: it was sent SIGABRT.
    virtual void let_leave(const Slot& slot, std::unique_ptr<Child> worker, bool is_dying) = 0;
    /// Its worker has failed. False if no other one is to be started, because the service cannot start.
    virtual bool may_try_again(const Slot& slot, const Death& death) = 0;
    /// Its next worker is due after a delay.
    virtual void on_spawn_scheduled() = 0;
    /// Its worker could not take a loan.
    virtual void on_refused_loan(const Slot& slot, const RefuseLoanMessage& message) = 0;
  };

  /// All of them outlive it. `index` counts from 0.
  Slot(const Household& household, Ending& ending, Host& host, unsigned index);

  /// Takes the step that the event makes it take, and those that follow from it.
  void handle(SlotEvent event);
  /// As the program before this one (an upgrade) has left the slot.
  void restore(const SlotRecord& record);
  /// `borrower`: the slot whose worker accepts for this one.
  SlotRecord record(std::optional<std::size_t> borrower) const;

  unsigned index() const noexcept { return index_; }
  SlotState state() const noexcept { return state_; }
  /// Null if there is none.
  Child* worker() const noexcept { return worker_.get(); }
  Child* serving() const noexcept { return state_ == SlotState::kServing ? worker_.get() : nullptr; }
  /// It has no worker that accepts, and has had none for a while.
  bool needs_borrower() const noexcept;
  /// Its last workers have failed: so often, since one of them served well.
  unsigned failures_in_a_row() const noexcept { return backoff_.failures_in_a_row(); }

  /// Until its next worker is started; nothing if none is due.
  std::optional<std::chrono::milliseconds> spawn_due_in() const;
  /// The next worker is started that soon instead.
  void hasten(std::chrono::milliseconds delay) { delay_.start(delay); }
  /// `since_last_look`: see HeartbeatWatch.
  void look_for_hang(std::chrono::milliseconds since_last_look);

 private:
  void on_message(Child& child, const ToMaster& message) override;
  void on_exit(Child& child, const ExitStatus& status) override;
  void on_ready();

  /// Gives the event that follows at once, if one does.
  std::optional<SlotEvent> act(SlotAction action);
  std::optional<SlotEvent> spawn();
  std::optional<SlotEvent> spawn_to_drain();
  Result<void> try_spawn();
  void serve();
  void abort();
  void schedule_spawn();
  void install();
  void clear_place();
  void tell_drain();
  void tell_stop();
  void expect_service(std::chrono::milliseconds delay);
  const Config& config() const { return household_.config(); }

  const Household& household_;
  Ending& ending_;
  Host& host_;
  unsigned index_;
  SlotState state_ = SlotState::kEmpty;
  Backoff backoff_;
  Death death_;        ///< of the last worker, or why there was none
  Deadline late_;      ///< the worker is not READY by then
  Timer delay_;        ///< until the next worker is started
  Timer patience_;     ///< with a worker that was told to die
  Deadline unserved_;  ///< the slot has no worker that accepts by then, and needs a borrower
  std::unique_ptr<Child> worker_;
};

}  // namespace tcp_echo
