// A worker's life, as a pure function over one table: no clock, no libuv. docs/architecture.md shows the
// table, and a test compares the two. (A WorkerState is something else: what the scoreboard shows of a
// process.)
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "tcp_echo/base/state_table.hpp"

namespace tcp_echo {

enum class WorkerPhase : std::uint8_t {
  kConfiguring,  ///< waiting for the master's first message
  kServing,
  kAsking,    ///< serves on until there is a successor, which the master was asked for
  kMoving,    ///< accepts no more; connections go to the successor
  kRetiring,  ///< accepts no more, for another worker does; connections end as they fall quiet
  kDraining,  ///< the service ends: empties its accept queues; connections end as they fall quiet
  kLeaving,   ///< everything is being closed
};
inline constexpr std::array kWorkerPhases = {
    WorkerPhase::kConfiguring, WorkerPhase::kServing,  WorkerPhase::kAsking, WorkerPhase::kMoving,
    WorkerPhase::kRetiring,    WorkerPhase::kDraining, WorkerPhase::kLeaving};

enum class WorkerEvent : std::uint8_t {
  kConfigured,
  kLeaveAsked,    ///< by SIGTERM or SIGQUIT
  kServedEnough,  ///< as many connections as --worker-recycle-after says
  kSuccessor,     ///< the master has named one
  kCutOff,        ///< the control channel has ended; whether the master dies or lives is not clear yet
  kAbandoned,     ///< it lives, and has let go of this worker
  kDrainAsked,    ///< by the master
  kOrphaned,      ///< the master is gone
  kStopAsked,
  kDeadline,  ///< --shutdown-timeout is over
  kDone,      ///< the last connection has gone, and no client waits that this worker is to take
};
inline constexpr std::array kWorkerEvents = {
    WorkerEvent::kConfigured, WorkerEvent::kLeaveAsked, WorkerEvent::kServedEnough, WorkerEvent::kSuccessor,
    WorkerEvent::kCutOff,     WorkerEvent::kAbandoned,  WorkerEvent::kDrainAsked,   WorkerEvent::kOrphaned,
    WorkerEvent::kStopAsked,  WorkerEvent::kDeadline,   WorkerEvent::kDone};

enum class WorkerAction : std::uint8_t {
  kNone,
  kServe,
  kAskForSuccessor,
  kHold,  ///< accept no more for now
  kMoveOut,
  kRetire,
  kDrain,
  kDrainAlone,  ///< without a master that keeps new clients away
  kCloseAll,
  kLeave
};

using WorkerStep = StateStep<WorkerPhase, WorkerAction>;
using WorkerRow = StateRow<WorkerPhase, WorkerEvent, WorkerAction>;

/// Every pair of phase and event that changes or does something.
std::span<const WorkerRow> worker_table();

/// A pair that is not in the table leaves the worker as it is and does nothing.
WorkerStep step(WorkerPhase phase, WorkerEvent event);

/// In words, for pictures and tests.
std::string_view name_of(WorkerPhase phase);
std::string_view name_of(WorkerEvent event);
std::string_view name_of(WorkerAction action);

}  // namespace tcp_echo
