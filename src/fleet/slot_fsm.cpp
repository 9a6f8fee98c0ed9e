#include "tcp_echo/fleet/slot_fsm.hpp"

namespace tcp_echo {
namespace {

using State = SlotState;
using Event = SlotEvent;
using Action = SlotAction;

constexpr SlotRow kTable[] = {
    {State::kEmpty, Event::kStart, {State::kStarting, Action::kSpawn}},
    {State::kEmpty, Event::kSucceeded, {State::kServing, Action::kInstall}},
    {State::kEmpty, Event::kDrain, {State::kGone, Action::kLeave}},
    {State::kEmpty, Event::kStop, {State::kGone, Action::kLeave}},

    {State::kStarting, Event::kReady, {State::kServing, Action::kServe}},
    {State::kStarting, Event::kFailed, {State::kWaiting, Action::kScheduleSpawn}},
    {State::kStarting, Event::kLate, {State::kHung, Action::kKillLate}},
    {State::kStarting, Event::kSucceeded, {State::kServing, Action::kInstall}},
    {State::kStarting, Event::kDismissed, {State::kRetired, Action::kDismiss}},
    {State::kStarting, Event::kDrain, {State::kEmptying, Action::kTellDrain}},
    {State::kStarting, Event::kStop, {State::kStopping, Action::kTellStop}},

    {State::kServing, Event::kFailed, {State::kWaiting, Action::kScheduleSpawn}},
    {State::kServing, Event::kHung, {State::kHung, Action::kAbort}},
    {State::kServing, Event::kLeaving, {State::kServing, Action::kAskSuccessor}},
    {State::kServing, Event::kSucceeded, {State::kServing, Action::kInstall}},
    {State::kServing, Event::kDismissed, {State::kRetired, Action::kDismiss}},
    {State::kServing, Event::kDrain, {State::kEmptying, Action::kTellDrain}},
    {State::kServing, Event::kStop, {State::kStopping, Action::kTellStop}},

    {State::kHung, Event::kFailed, {State::kWaiting, Action::kScheduleSpawn}},
    {State::kHung, Event::kPatienceOver, {State::kHung, Action::kKill}},
    {State::kHung, Event::kSucceeded, {State::kServing, Action::kInstall}},
    {State::kHung, Event::kDismissed, {State::kRetired, Action::kDismiss}},
    {State::kHung, Event::kDrain, {State::kEmptying, Action::kNone}},  // it dies, and another one empties
    {State::kHung, Event::kStop, {State::kStopping, Action::kTellStop}},

    {State::kWaiting, Event::kDelayOver, {State::kStarting, Action::kSpawn}},
    {State::kWaiting, Event::kSucceeded, {State::kServing, Action::kInstall}},
    {State::kWaiting, Event::kDismissed, {State::kRetired, Action::kDismiss}},
    {State::kWaiting, Event::kDrain, {State::kEmptyingAgain, Action::kSpawnToDrain}},
    {State::kWaiting, Event::kStop, {State::kGone, Action::kLeave}},

    {State::kRetired, Event::kSucceeded, {State::kServing, Action::kInstall}},
    {State::kRetired, Event::kDrain, {State::kGone, Action::kLeave}},
    {State::kRetired, Event::kStop, {State::kGone, Action::kLeave}},

    {State::kEmptying, Event::kFailed, {State::kEmptyingAgain, Action::kSpawnToDrain}},
    {State::kEmptying, Event::kLate, {State::kEmptying, Action::kKillLate}},
    {State::kEmptying, Event::kHung, {State::kEmptying, Action::kAbort}},
    {State::kEmptying, Event::kPatienceOver, {State::kEmptying, Action::kKill}},
    {State::kEmptying, Event::kEmptied, {State::kStopping, Action::kNone}},
    {State::kEmptying, Event::kStop, {State::kStopping, Action::kTellStop}},

    {State::kEmptyingAgain, Event::kFailed, {State::kSpent, Action::kLeave}},
    {State::kEmptyingAgain, Event::kLate, {State::kEmptyingAgain, Action::kKillLate}},
    {State::kEmptyingAgain, Event::kHung, {State::kEmptyingAgain, Action::kAbort}},
    {State::kEmptyingAgain, Event::kPatienceOver, {State::kEmptyingAgain, Action::kKill}},
    {State::kEmptyingAgain, Event::kStop, {State::kStopping, Action::kTellStop}},

    {State::kStopping, Event::kFailed, {State::kGone, Action::kLeave}},
    {State::kStopping, Event::kHung, {State::kStopping, Action::kAbort}},
    {State::kStopping, Event::kPatienceOver, {State::kStopping, Action::kKill}},
    {State::kStopping, Event::kStop, {State::kStopping, Action::kTellStop}},

    {State::kGone, Event::kDrain, {State::kEmptyingAgain, Action::kSpawnToDrain}},  // no worker empties some
};

static_assert(has_no_pair_twice(std::span<const SlotRow>(kTable)),
              "a pair of state and event has one outcome");

}  // namespace

std::span<const SlotRow> slot_table() { return kTable; }

SlotStep step(State state, Event event) { return step_in(slot_table(), state, event); }

std::string_view name_of(State state) {
  switch (state) {
    case State::kEmpty: return "empty";
    case State::kStarting: return "starting";
    case State::kServing: return "serving";
    case State::kHung: return "hung";
    case State::kWaiting: return "waiting";
    case State::kRetired: return "retired";
    case State::kEmptying: return "emptying";
    case State::kEmptyingAgain: return "emptying_again";
    case State::kStopping: return "stopping";
    case State::kGone: return "gone";
    case State::kSpent: return "spent";
  }
  return "";
}

std::string_view name_of(Event event) {
  switch (event) {
    case Event::kStart: return "start";
    case Event::kReady: return "ready";
    case Event::kFailed: return "failed";
    case Event::kLate: return "late";
    case Event::kHung: return "hung";
    case Event::kLeaving: return "leaving";
    case Event::kSucceeded: return "succeeded";
    case Event::kDismissed: return "dismissed";
    case Event::kDelayOver: return "delay over";
    case Event::kDrain: return "drain";
    case Event::kEmptied: return "emptied";
    case Event::kStop: return "stop";
    case Event::kPatienceOver: return "patience over";
  }
  return "";
}

std::string_view name_of(Action action) {
  switch (action) {
    case Action::kNone: return "nothing";
    case Action::kSpawn: return "spawn";
    case Action::kServe: return "serve";
    case Action::kKillLate: return "kill the late one";
    case Action::kAbort: return "abort";
    case Action::kKill: return "kill";
    case Action::kAskSuccessor: return "ask for a successor";
    case Action::kInstall: return "install the successor";
    case Action::kDismiss: return "dismiss";
    case Action::kScheduleSpawn: return "schedule a spawn";
    case Action::kTellDrain: return "tell DRAIN";
    case Action::kSpawnToDrain: return "spawn to drain";
    case Action::kTellStop: return "tell STOP";
    case Action::kLeave: return "leave";
  }
  return "";
}

}  // namespace tcp_echo
