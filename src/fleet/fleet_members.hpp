// What a Fleet is made of, for the files that implement it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tcp_echo/fleet/fleet.hpp"
#include "tcp_echo/fleet/leaver_stage.hpp"
#include "tcp_echo/loop/timer.hpp"
#include "tcp_echo/process/backoff.hpp"

namespace tcp_echo {

/// Timers come before readiness in a turn of the loop. When this process did not run for a while, what a
/// timer waits for may have happened long ago and only has to be read: a second look tells.
inline constexpr std::chrono::milliseconds kSecondLook{50};

// A worker that was told to stop at once closes its connections in milliseconds, or it hangs.
inline constexpr std::chrono::milliseconds kPatience{500};

// What a worker gets for writing its core after SIGABRT.
inline constexpr std::chrono::milliseconds kPatienceAfterAbort{1000};

/// How a process ended, or why it could not be started.
struct ProcessFailure {
  std::string text;
  bool is_clean = false;
  std::chrono::milliseconds served_for{};
};

struct Fleet::Slot {
  Slot(Fleet& fleet, unsigned position)
      : index(position),
        backoff(fleet.config().respawn_delay_min, fleet.config().respawn_delay_max),
        late(fleet.loop_, [this, &fleet] { fleet.on_late(*this); }),
        delay(fleet.loop_, [this, &fleet] { fleet.handle(*this, SlotEvent::kDelayOver); }),
        patience(fleet.loop_, [this, &fleet] { fleet.handle(*this, SlotEvent::kPatienceOver); }),
        unserved(fleet.loop_, [this, &fleet] { fleet.on_unserved(*this); }) {}

  unsigned index;  ///< from 0
  SlotState state = SlotState::kEmpty;
  std::unique_ptr<WorkerProcess> worker;
  std::unique_ptr<WorkerProcess> candidate;  ///< is to take the place, once all are READY
  bool candidate_wants_successor = false;
  Backoff backoff;
  ProcessFailure failure;  ///< how the last process ended, or why it was none
  bool was_ever_ready = false;
  bool late_for_sure = false;
  bool unserved_for_sure = false;
  bool needs_borrower = false;
  bool was_spawned_to_drain = false;  ///< that is tried once
  std::chrono::milliseconds spawn_due{};
  std::chrono::milliseconds may_borrow_from{};
  Timer late;
  Timer delay;
  Timer patience;
  Timer unserved;
};

/// A worker that has lost its place, and finishes beside the one that has it now.
struct Fleet::Leaver {
  using Stage = LeaverStage;

  Leaver(Fleet& fleet, unsigned slot, std::unique_ptr<WorkerProcess> process)
      : index(slot),
        worker(std::move(process)),
        overdue(fleet.loop_, [this, &fleet] { fleet.on_leaver_overdue(*this); }),
        retry(fleet.loop_, [this, &fleet] { fleet.hand_over(*this); }) {}

  unsigned index;
  std::unique_ptr<WorkerProcess> worker;
  Stage stage = Stage::kMoving;
  std::optional<std::size_t> successor;  ///< the slot whose worker was tried last
  Timer overdue;
  Timer retry;
};

}  // namespace tcp_echo
