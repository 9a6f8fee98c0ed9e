// The end of the service: no client is reset that was connected before, whichever workers die meanwhile.
#pragma once

#include <chrono>
#include <cstddef>

#include "clearings.hpp"
#include "emptiers.hpp"
#include "lending.hpp"
#include "tcp_echo/loop/timekeeper.hpp"

namespace tcp_echo {

class Roster;
class Slot;

class Ending {
 public:
  /// All of them outlive it.
  Ending(Timekeeper& clock, Lending& lending, Clearings& clearings)
      : clock_(clock), lending_(lending), clearings_(clearings) {}

  /// The service ends within that time; 0: at once. Another call may leave less.
  void begin(std::chrono::milliseconds time) {
    has_begun_ = true;
    end_by_ = clock_.now() + time;
  }
  bool has_begun() const noexcept { return has_begun_; }
  /// What is left; 0 or less if nothing.
  std::chrono::milliseconds time_left() const { return end_by_ - clock_.now(); }

  /// Clients may wait on the listeners of all slots. Each worker empties its own, and those that it has
  /// borrowed.
  void expect_emptiers(const Roster& roster);
  /// That slot has a worker that was started to drain: it gets all that no other worker empties.
  void entrust(const Slot& slot);
  /// The slot's worker has emptied all that it was to empty, or has ended, or could not take a loan.
  void on_emptied(const Slot& slot);
  void on_worker_ended(const Slot& slot);
  void on_refused_loan(const Slot& slot, std::size_t lender);

  /// A slot in which another worker is to be started, because no worker empties some listeners: best a slot
  /// whose own listeners are among them. Null if there are none, if every slot has had a worker for that, or
  /// if the time is over.
  Slot* next_to_drain(const Roster& roster) const;

 private:
  Timekeeper& clock_;
  Lending& lending_;
  Clearings& clearings_;
  Emptiers emptiers_;
  bool has_begun_ = false;
  std::chrono::milliseconds end_by_{};
};

}  // namespace tcp_echo
