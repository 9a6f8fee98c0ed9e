#include "tcp_echo/worker/worker_fsm.hpp"

namespace tcp_echo {
namespace {

using Phase = WorkerPhase;
using Event = WorkerEvent;

WorkerStep while_configuring(Event event) {
  switch (event) {
    case Event::kConfigured: return {Phase::kServing, WorkerAction::kServe};
    case Event::kLeaveAsked:
    case Event::kSuccessor:
    case Event::kAbandoned:
    case Event::kDrainAsked:
    case Event::kOrphaned:
    case Event::kStopAsked: return {Phase::kLeaving, WorkerAction::kLeave};  // there is nothing to close yet
    case Event::kServedEnough:
    case Event::kDeadline:
    case Event::kDone: break;
  }
  return {Phase::kConfiguring, WorkerAction::kNone};
}

/// Whether or not it has asked for a successor.
WorkerStep while_accepting(Phase phase, Event event) {
  switch (event) {
    case Event::kLeaveAsked:
    case Event::kServedEnough:
      if (phase == Phase::kAsking) break;
      return {Phase::kAsking, WorkerAction::kAskForSuccessor};
    case Event::kSuccessor: return {Phase::kMoving, WorkerAction::kMoveOut};
    case Event::kAbandoned: return {Phase::kRetiring, WorkerAction::kRetire};
    case Event::kDrainAsked: return {Phase::kDraining, WorkerAction::kDrain};
    case Event::kOrphaned: return {Phase::kDraining, WorkerAction::kDrainAlone};
    case Event::kStopAsked: return {Phase::kLeaving, WorkerAction::kCloseAll};
    case Event::kConfigured:
    case Event::kDeadline:
    case Event::kDone: break;
  }
  return {phase, WorkerAction::kNone};
}

/// Who waits in the accept queues is the successor's, as long as there is a master to see to it.
WorkerStep while_moving(Event event) {
  switch (event) {
    case Event::kSuccessor: return {Phase::kMoving, WorkerAction::kMoveOut};  // another one
    case Event::kAbandoned:
    case Event::kDrainAsked: return {Phase::kRetiring, WorkerAction::kRetire};
    case Event::kOrphaned: return {Phase::kDraining, WorkerAction::kDrainAlone};
    case Event::kStopAsked: return {Phase::kLeaving, WorkerAction::kCloseAll};
    case Event::kDone: return {Phase::kLeaving, WorkerAction::kLeave};
    case Event::kConfigured:
    case Event::kLeaveAsked:
    case Event::kServedEnough:
    case Event::kDeadline: break;
  }
  return {Phase::kMoving, WorkerAction::kNone};
}

WorkerStep while_retiring(Event event) {
  switch (event) {
    case Event::kSuccessor: return {Phase::kMoving, WorkerAction::kMoveOut};
    case Event::kOrphaned: return {Phase::kDraining, WorkerAction::kDrainAlone};
    case Event::kDeadline:
    case Event::kStopAsked: return {Phase::kLeaving, WorkerAction::kCloseAll};
    case Event::kDone: return {Phase::kLeaving, WorkerAction::kLeave};
    case Event::kConfigured:
    case Event::kLeaveAsked:
    case Event::kServedEnough:
    case Event::kAbandoned:
    case Event::kDrainAsked: break;
  }
  return {Phase::kRetiring, WorkerAction::kNone};
}

WorkerStep while_draining(Event event) {
  switch (event) {
    case Event::kDeadline:
    case Event::kStopAsked: return {Phase::kLeaving, WorkerAction::kCloseAll};
    case Event::kDone: return {Phase::kLeaving, WorkerAction::kLeave};
    case Event::kConfigured:
    case Event::kLeaveAsked:
    case Event::kServedEnough:
    case Event::kSuccessor:
    case Event::kAbandoned:
    case Event::kDrainAsked:
    case Event::kOrphaned: break;
  }
  return {Phase::kDraining, WorkerAction::kNone};
}

}  // namespace

WorkerStep step(Phase phase, Event event) {
  switch (phase) {
    case Phase::kConfiguring: return while_configuring(event);
    case Phase::kServing:
    case Phase::kAsking: return while_accepting(phase, event);
    case Phase::kMoving: return while_moving(event);
    case Phase::kRetiring: return while_retiring(event);
    case Phase::kDraining: return while_draining(event);
    case Phase::kLeaving:
      return {Phase::kLeaving, event == Event::kDone ? WorkerAction::kLeave : WorkerAction::kNone};
  }
  return {phase, WorkerAction::kNone};
}

}  // namespace tcp_echo
