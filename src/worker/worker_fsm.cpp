#include "worker_fsm.hpp"

namespace tcp_echo {
namespace {

using Phase = WorkerPhase;
using Event = WorkerEvent;
using Action = WorkerAction;

constexpr WorkerRow kTable[] = {
    {Phase::kConfiguring, Event::kConfigured, {Phase::kServing, Action::kServe}},
    {Phase::kConfiguring,
     Event::kLeaveAsked,
     {Phase::kLeaving, Action::kLeave}},  // there is nothing to close
    {Phase::kConfiguring, Event::kSuccessor, {Phase::kLeaving, Action::kLeave}},
    {Phase::kConfiguring, Event::kAbandoned, {Phase::kLeaving, Action::kLeave}},
    {Phase::kConfiguring, Event::kDrainAsked, {Phase::kLeaving, Action::kLeave}},
    {Phase::kConfiguring, Event::kOrphaned, {Phase::kLeaving, Action::kLeave}},
    {Phase::kConfiguring, Event::kStopAsked, {Phase::kLeaving, Action::kLeave}},

    {Phase::kServing, Event::kLeaveAsked, {Phase::kAsking, Action::kAskForSuccessor}},
    {Phase::kServing, Event::kServedEnough, {Phase::kAsking, Action::kAskForSuccessor}},
    {Phase::kServing, Event::kSuccessor, {Phase::kMoving, Action::kMoveOut}},
    {Phase::kServing, Event::kCutOff, {Phase::kServing, Action::kHold}},
    {Phase::kServing, Event::kAbandoned, {Phase::kRetiring, Action::kRetire}},
    {Phase::kServing, Event::kDrainAsked, {Phase::kDraining, Action::kDrain}},
    {Phase::kServing, Event::kOrphaned, {Phase::kDraining, Action::kDrainAlone}},
    {Phase::kServing, Event::kStopAsked, {Phase::kLeaving, Action::kCloseAll}},

    {Phase::kAsking, Event::kSuccessor, {Phase::kMoving, Action::kMoveOut}},
    {Phase::kAsking, Event::kCutOff, {Phase::kAsking, Action::kHold}},
    {Phase::kAsking, Event::kAbandoned, {Phase::kRetiring, Action::kRetire}},
    {Phase::kAsking, Event::kDrainAsked, {Phase::kDraining, Action::kDrain}},
    {Phase::kAsking, Event::kOrphaned, {Phase::kDraining, Action::kDrainAlone}},
    {Phase::kAsking, Event::kStopAsked, {Phase::kLeaving, Action::kCloseAll}},

    // The clients in the accept queues are the successor's, as long as there is a master to see to it.
    {Phase::kMoving, Event::kSuccessor, {Phase::kMoving, Action::kMoveOut}},  // another successor
    {Phase::kMoving, Event::kAbandoned, {Phase::kRetiring, Action::kRetire}},
    {Phase::kMoving, Event::kDrainAsked, {Phase::kRetiring, Action::kRetire}},
    {Phase::kMoving, Event::kOrphaned, {Phase::kDraining, Action::kDrainAlone}},
    {Phase::kMoving, Event::kStopAsked, {Phase::kLeaving, Action::kCloseAll}},
    {Phase::kMoving, Event::kDone, {Phase::kLeaving, Action::kLeave}},

    {Phase::kRetiring, Event::kSuccessor, {Phase::kMoving, Action::kMoveOut}},
    {Phase::kRetiring, Event::kOrphaned, {Phase::kDraining, Action::kDrainAlone}},
    {Phase::kRetiring, Event::kStopAsked, {Phase::kLeaving, Action::kCloseAll}},
    {Phase::kRetiring, Event::kDeadline, {Phase::kLeaving, Action::kCloseAll}},
    {Phase::kRetiring, Event::kDone, {Phase::kLeaving, Action::kLeave}},

    {Phase::kDraining, Event::kStopAsked, {Phase::kLeaving, Action::kCloseAll}},
    {Phase::kDraining, Event::kDeadline, {Phase::kLeaving, Action::kCloseAll}},
    {Phase::kDraining, Event::kDone, {Phase::kLeaving, Action::kLeave}},

    {Phase::kLeaving, Event::kDone, {Phase::kLeaving, Action::kLeave}},
};

static_assert(has_no_pair_twice(std::span<const WorkerRow>(kTable)),
              "a pair of phase and event has one outcome");

}  // namespace

std::span<const WorkerRow> worker_table() { return kTable; }

WorkerStep step(Phase phase, Event event) { return step_in(worker_table(), phase, event); }

std::string_view name_of(Phase phase) {
  switch (phase) {
    case Phase::kConfiguring: return "configuring";
    case Phase::kServing: return "serving";
    case Phase::kAsking: return "asking";
    case Phase::kMoving: return "moving";
    case Phase::kRetiring: return "retiring";
    case Phase::kDraining: return "draining";
    case Phase::kLeaving: return "leaving";
  }
  return "";
}

std::string_view name_of(Event event) {
  switch (event) {
    case Event::kConfigured: return "configured";
    case Event::kLeaveAsked: return "leave asked";
    case Event::kServedEnough: return "served enough";
    case Event::kSuccessor: return "successor";
    case Event::kCutOff: return "cut off";
    case Event::kAbandoned: return "abandoned";
    case Event::kDrainAsked: return "drain asked";
    case Event::kOrphaned: return "orphaned";
    case Event::kStopAsked: return "stop asked";
    case Event::kDeadline: return "deadline";
    case Event::kDone: return "done";
  }
  return "";
}

std::string_view name_of(Action action) {
  switch (action) {
    case Action::kNone: return "nothing";
    case Action::kServe: return "serve";
    case Action::kAskForSuccessor: return "ask for a successor";
    case Action::kHold: return "hold";
    case Action::kMoveOut: return "move out";
    case Action::kRetire: return "retire";
    case Action::kDrain: return "drain";
    case Action::kDrainAlone: return "drain alone";
    case Action::kCloseAll: return "close all";
    case Action::kLeave: return "leave";
  }
  return "";
}

}  // namespace tcp_echo
