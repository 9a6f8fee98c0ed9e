#include "tcp_echo/worker/worker_fsm.hpp"

namespace tcp_echo {
namespace {

using Phase = WorkerPhase;
using Event = WorkerEvent;
using Action = WorkerAction;

WorkerStep while_configuring(Event event) {
  switch (event) {
    case Event::kConfigured: return {Phase::kServing, Action::kServe};
    case Event::kDrainAsked:
    case Event::kStopAsked: return {Phase::kLeaving, Action::kLeave};  // there is nothing to close yet
    case Event::kDeadline:
    case Event::kEmpty: break;
  }
  return {Phase::kConfiguring, Action::kNone};
}

WorkerStep while_serving(Event event) {
  switch (event) {
    case Event::kDrainAsked: return {Phase::kDraining, Action::kDrain};
    case Event::kStopAsked: return {Phase::kLeaving, Action::kCloseAll};
    case Event::kConfigured:
    case Event::kDeadline:
    case Event::kEmpty: break;
  }
  return {Phase::kServing, Action::kNone};
}

WorkerStep while_draining(Event event) {
  switch (event) {
    case Event::kDeadline:
    case Event::kStopAsked: return {Phase::kLeaving, Action::kCloseAll};
    case Event::kEmpty: return {Phase::kLeaving, Action::kLeave};
    case Event::kConfigured:
    case Event::kDrainAsked: break;
  }
  return {Phase::kDraining, Action::kNone};
}

}  // namespace

WorkerStep step(Phase phase, Event event) {
  switch (phase) {
    case Phase::kConfiguring: return while_configuring(event);
    case Phase::kServing: return while_serving(event);
    case Phase::kDraining: return while_draining(event);
    case Phase::kLeaving: return {Phase::kLeaving, event == Event::kEmpty ? Action::kLeave : Action::kNone};
  }
  return {phase, Action::kNone};
}

}  // namespace tcp_echo
