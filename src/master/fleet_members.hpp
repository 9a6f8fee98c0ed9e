// What a Fleet is made of, for the files that implement it.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "tcp_echo/loop/timer.hpp"
#include "tcp_echo/master/backoff.hpp"
#include "tcp_echo/master/fleet.hpp"

namespace tcp_echo {

/// Timers come before readiness in a turn of the loop. When this process did not run for a while, what a
/// timer waits for may have happened long ago and only has to be read: a second look tells.
inline constexpr std::chrono::milliseconds kSecondLook{50};

/// How a process ended, or why it could not be started.
struct ProcessFailure {
  std::string text;
  bool is_clean = false;
  std::chrono::milliseconds served_for{};
};

struct Fleet::Slot {
  Slot(Fleet& fleet, unsigned position)
      : index(position),
        backoff(fleet.resources_.config.respawn_delay_min, fleet.resources_.config.respawn_delay_max),
        late(fleet.loop_, [this, &fleet] { fleet.on_late(*this); }),
        delay(fleet.loop_, [this, &fleet] { fleet.handle(*this, SlotEvent::kDelayOver); }),
        patience(fleet.loop_, [this, &fleet] { fleet.handle(*this, SlotEvent::kPatienceOver); }),
        unserved(fleet.loop_, [this, &fleet] { fleet.on_unserved(*this); }) {}

  unsigned index;  ///< from 0
  SlotState state = SlotState::kEmpty;
  std::unique_ptr<WorkerProcess> worker;
  Backoff backoff;
  ProcessFailure failure;  ///< how the last process ended, or why it was none
  bool was_ever_ready = false;
  bool late_for_sure = false;
  bool unserved_for_sure = false;
  bool needs_borrower = false;
  std::chrono::milliseconds spawn_due{};
  std::chrono::milliseconds may_borrow_from{};
  Timer late;
  Timer delay;
  Timer patience;
  Timer unserved;
};

/// A worker that was told to leave by a signal, and finishes beside its successor.
struct Fleet::Leaver {
  Leaver(Fleet& fleet, unsigned slot, std::unique_ptr<WorkerProcess> process)
      : index(slot),
        worker(std::move(process)),
        overdue(fleet.loop_, [this, &fleet] { fleet.on_leaver_overdue(*this); }) {}

  unsigned index;
  std::unique_ptr<WorkerProcess> worker;
  bool told_to_die = false;  ///< by STOP or SIGABRT; SIGKILL is next
  Timer overdue;
};

}  // namespace tcp_echo
