// A slot's life, as a pure function: no clock, no libuv. A slot is the place of one worker process; its
// listeners outlive them all.
#pragma once

#include <array>
#include <cstdint>

namespace tcp_echo {

enum class SlotState : std::uint8_t {
  kEmpty,     ///< nothing was ever started
  kStarting,  ///< a process runs and has not said READY
  kServing,
  kWaiting,   ///< the process is gone, the next one is due after a delay
  kStopping,  ///< told to drain or to stop
  kGone,      ///< for good
};
inline constexpr std::array kSlotStates = {SlotState::kEmpty,   SlotState::kStarting, SlotState::kServing,
                                           SlotState::kWaiting, SlotState::kStopping, SlotState::kGone};

enum class SlotEvent : std::uint8_t {
  kStart,
  kReady,
  kFailed,  ///< the process could not be started, or has ended
  kLate,    ///< not READY within --ready-timeout
  kDelayOver,
  kDrain,         ///< the service stops gracefully
  kStop,          ///< the service stops at once
  kPatienceOver,  ///< the process was told to stop at once and has not ended
};
inline constexpr std::array kSlotEvents = {SlotEvent::kStart, SlotEvent::kReady,       SlotEvent::kFailed,
                                           SlotEvent::kLate,  SlotEvent::kDelayOver,   SlotEvent::kDrain,
                                           SlotEvent::kStop,  SlotEvent::kPatienceOver};

enum class SlotAction : std::uint8_t {
  kNone,
  kSpawn,
  kServe,  ///< the worker is READY
  kKill,   ///< SIGKILL; its exit comes as kFailed
  kScheduleSpawn,
  kTellDrain,
  kTellStop,  ///< and kill it if it does not follow soon
  kLeave,     ///< the slot is done
};

struct SlotStep {
  SlotState state;
  SlotAction action;
  bool operator==(const SlotStep&) const = default;
};

SlotStep step(SlotState state, SlotEvent event);

}  // namespace tcp_echo
