#include "tcp_echo/worker/worker_fsm.hpp"

namespace tcp_echo {
namespace {

using Phase = WorkerPhase;
using Event = WorkerEvent;
using Action = WorkerAction;

WorkerStep while_configuring(Event event) {
  switch (event) {
    case Event::kConfigured: return {Phase::kServing, Action::kServe};
    case Event::kRetireAsked:
    case Event::kDrainAsked:
    case Event::kOrphaned:
    case Event::kStopAsked: return {Phase::kLeaving, Action::kLeave};  // there is nothing to close yet
    case Event::kDeadline:
    case Event::kDone: break;
  }
  return {Phase::kConfiguring, Action::kNone};
}

WorkerStep while_serving(Event event) {
  switch (event) {
    case Event::kRetireAsked: return {Phase::kRetiring, Action::kRetire};
    case Event::kDrainAsked: return {Phase::kDraining, Action::kDrain};
    case Event::kOrphaned: return {Phase::kDraining, Action::kDrainAlone};
    case Event::kStopAsked: return {Phase::kLeaving, Action::kCloseAll};
    case Event::kConfigured:
    case Event::kDeadline:
    case Event::kDone: break;
  }
  return {Phase::kServing, Action::kNone};
}

WorkerStep while_retiring(Event event) {
  switch (event) {
    case Event::kDrainAsked: return {Phase::kDraining, Action::kDrain};
    case Event::kOrphaned: return {Phase::kDraining, Action::kDrainAlone};
    case Event::kDeadline:
    case Event::kStopAsked: return {Phase::kLeaving, Action::kCloseAll};
    case Event::kDone: return {Phase::kLeaving, Action::kLeave};
    case Event::kConfigured:
    case Event::kRetireAsked: break;
  }
  return {Phase::kRetiring, Action::kNone};
}

WorkerStep while_draining(Event event) {
  switch (event) {
    case Event::kDeadline:
    case Event::kStopAsked: return {Phase::kLeaving, Action::kCloseAll};
    case Event::kDone: return {Phase::kLeaving, Action::kLeave};
    case Event::kConfigured:
    case Event::kRetireAsked:
    case Event::kDrainAsked:
    case Event::kOrphaned: break;
  }
  return {Phase::kDraining, Action::kNone};
}

}  // namespace

WorkerStep step(Phase phase, Event event) {
  switch (phase) {
    case Phase::kConfiguring: return while_configuring(event);
    case Phase::kServing: return while_serving(event);
    case Phase::kRetiring: return while_retiring(event);
    case Phase::kDraining: return while_draining(event);
    case Phase::kLeaving: return {Phase::kLeaving, event == Event::kDone ? Action::kLeave : Action::kNone};
  }
  return {phase, Action::kNone};
}

}  // namespace tcp_echo
