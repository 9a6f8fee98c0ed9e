#include "tcp_echo/worker/worker_fsm.hpp"

namespace tcp_echo {
namespace {

using Phase = WorkerPhase;
using Event = WorkerEvent;
using Action = WorkerAction;

WorkerStep while_configuring(Event event) {
  switch (event) {
    case Event::kConfigured: return {Phase::kServing, Action::kServe};
    case Event::kLeaveAsked:
    case Event::kSuccessor:
    case Event::kAbandoned:
    case Event::kDrainAsked:
    case Event::kOrphaned:
    case Event::kStopAsked: return {Phase::kLeaving, Action::kLeave};  // there is nothing to close yet
    case Event::kServedEnough:
    case Event::kDeadline:
    case Event::kDone: break;
  }
  return {Phase::kConfiguring, Action::kNone};
}

/// Whether or not it has asked for a successor.
WorkerStep while_accepting(Phase phase, Event event) {
  switch (event) {
    case Event::kLeaveAsked:
    case Event::kServedEnough:
      if (phase == Phase::kAsking) break;
      return {Phase::kAsking, Action::kAskForSuccessor};
    case Event::kSuccessor: return {Phase::kMoving, Action::kMoveOut};
    case Event::kAbandoned: return {Phase::kRetiring, Action::kRetire};
    case Event::kDrainAsked: return {Phase::kDraining, Action::kDrain};
    case Event::kOrphaned: return {Phase::kDraining, Action::kDrainAlone};
    case Event::kStopAsked: return {Phase::kLeaving, Action::kCloseAll};
    case Event::kConfigured:
    case Event::kDeadline:
    case Event::kDone: break;
  }
  return {phase, Action::kNone};
}

/// Who waits in the accept queues is the successor's, as long as there is a master to see to it.
WorkerStep while_moving(Event event) {
  switch (event) {
    case Event::kSuccessor: return {Phase::kMoving, Action::kMoveOut};  // another one
    case Event::kAbandoned:
    case Event::kDrainAsked: return {Phase::kRetiring, Action::kRetire};
    case Event::kOrphaned: return {Phase::kDraining, Action::kDrainAlone};
    case Event::kStopAsked: return {Phase::kLeaving, Action::kCloseAll};
    case Event::kDone: return {Phase::kLeaving, Action::kLeave};
    case Event::kConfigured:
    case Event::kLeaveAsked:
    case Event::kServedEnough:
    case Event::kDeadline: break;
  }
  return {Phase::kMoving, Action::kNone};
}

WorkerStep while_retiring(Event event) {
  switch (event) {
    case Event::kSuccessor: return {Phase::kMoving, Action::kMoveOut};
    case Event::kOrphaned: return {Phase::kDraining, Action::kDrainAlone};
    case Event::kDeadline:
    case Event::kStopAsked: return {Phase::kLeaving, Action::kCloseAll};
    case Event::kDone: return {Phase::kLeaving, Action::kLeave};
    case Event::kConfigured:
    case Event::kLeaveAsked:
    case Event::kServedEnough:
    case Event::kAbandoned:
    case Event::kDrainAsked: break;
  }
  return {Phase::kRetiring, Action::kNone};
}

WorkerStep while_draining(Event event) {
  switch (event) {
    case Event::kDeadline:
    case Event::kStopAsked: return {Phase::kLeaving, Action::kCloseAll};
    case Event::kDone: return {Phase::kLeaving, Action::kLeave};
    case Event::kConfigured:
    case Event::kLeaveAsked:
    case Event::kServedEnough:
    case Event::kSuccessor:
    case Event::kAbandoned:
    case Event::kDrainAsked:
    case Event::kOrphaned: break;
  }
  return {Phase::kDraining, Action::kNone};
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
    case Phase::kLeaving: return {Phase::kLeaving, event == Event::kDone ? Action::kLeave : Action::kNone};
  }
  return {phase, Action::kNone};
}

}  // namespace tcp_echo
