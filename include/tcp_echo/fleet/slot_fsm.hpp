// A slot's life, as a pure function over one table: no clock, no libuv. A slot is the place of one worker
// process; its listeners outlive them all. docs/architecture.md shows the table, and a test compares the two.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "tcp_echo/base/state_table.hpp"

namespace tcp_echo {

enum class SlotState : std::uint8_t {
  kEmpty,     ///< nothing was ever started
  kStarting,  ///< a process runs and has not said READY
  kServing,
  kHung,           ///< not READY in time, or its loop does not turn; it was sent a signal to die from
  kWaiting,        ///< the process is gone, the next one is due after a delay
  kRetired,        ///< scaled away: another slot's worker has its listeners, until the slot is needed again
  kEmptying,       ///< the service ends: the process takes the clients that wait in its accept queues
  kEmptyingAgain,  ///< the same by the last process of the slot, which gets no successor
  kStopping,       ///< the queues are empty, or the service stops at once: the process has to end
  kGone,           ///< for good, unless its listeners are to be emptied once more
  kSpent,          ///< for good: the slot has had a process for that already
};
inline constexpr std::array kSlotStates = {
    SlotState::kEmpty,    SlotState::kStarting, SlotState::kServing,  SlotState::kHung,
    SlotState::kWaiting,  SlotState::kRetired,  SlotState::kEmptying, SlotState::kEmptyingAgain,
    SlotState::kStopping, SlotState::kGone,     SlotState::kSpent};

enum class SlotEvent : std::uint8_t {
  kStart,
  kReady,
  kFailed,     ///< the process could not be started, or has ended
  kLate,       ///< not READY within --ready-timeout
  kHung,       ///< its loop has not turned for --watchdog
  kLeaving,    ///< it was told to leave by a signal, or has served enough: it wants a successor
  kSucceeded,  ///< another process is READY to take its place
  kDismissed,  ///< the slot is needed no more
  kDelayOver,
  kDrain,         ///< the service stops gracefully
  kEmptied,       ///< no client waits in the process's accept queues any more
  kStop,          ///< the service stops at once
  kPatienceOver,  ///< the process was told to end, and has not
};
inline constexpr std::array kSlotEvents = {
    SlotEvent::kStart,       SlotEvent::kReady,   SlotEvent::kFailed,    SlotEvent::kLate,
    SlotEvent::kHung,        SlotEvent::kLeaving, SlotEvent::kSucceeded, SlotEvent::kDismissed,
    SlotEvent::kDelayOver,   SlotEvent::kDrain,   SlotEvent::kEmptied,   SlotEvent::kStop,
    SlotEvent::kPatienceOver};

enum class SlotAction : std::uint8_t {
  kNone,
  kSpawn,
  kServe,         ///< the worker is READY
  kKillLate,      ///< SIGKILL; the exit comes as kFailed, here and below
  kAbort,         ///< SIGABRT, and SIGKILL if it does not follow soon
  kKill,          ///< SIGKILL
  kAskSuccessor,  ///< have another process started beside it
  kInstall,       ///< the other process takes the place, and the connections of the one that had it
  kDismiss,       ///< its connections go to the other slots' workers
  kScheduleSpawn,
  kTellDrain,
  kSpawnToDrain,  ///< spawn, and tell it to drain at once
  kTellStop,      ///< and kill it if it does not follow soon
  kLeave,         ///< the slot is done
};

using SlotStep = StateStep<SlotState, SlotAction>;
using SlotRow = StateRow<SlotState, SlotEvent, SlotAction>;

/// Every pair of state and event that changes or does something.
std::span<const SlotRow> slot_table();

/// A pair that is not in the table leaves the slot as it is and does nothing.
SlotStep step(SlotState state, SlotEvent event);

/// In words, for pictures and tests.
std::string_view name_of(SlotState state);
std::string_view name_of(SlotEvent event);
std::string_view name_of(SlotAction action);

}  // namespace tcp_echo
