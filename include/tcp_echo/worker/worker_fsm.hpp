// A worker's life, as a pure function: no clock, no libuv.
#pragma once

#include <cstdint>

namespace tcp_echo {

enum class WorkerPhase : std::uint8_t {
  kConfiguring,  ///< waiting for the master's first message
  kServing,
  kDraining,  ///< accepts no more; connections end as they fall quiet
  kLeaving,   ///< everything is being closed
};

enum class WorkerEvent : std::uint8_t {
  kConfigured,
  kDrainAsked,  ///< by the master, by SIGTERM or SIGQUIT, or because the master is gone
  kStopAsked,
  kDeadline,  ///< --shutdown-timeout is over
  kEmpty,     ///< the last connection has gone
};

enum class WorkerAction : std::uint8_t { kNone, kServe, kDrain, kCloseAll, kLeave };

struct WorkerStep {
  WorkerPhase phase;
  WorkerAction action;
  bool operator==(const WorkerStep&) const = default;
};

WorkerStep step(WorkerPhase phase, WorkerEvent event);

}  // namespace tcp_echo
