#include "tcp_echo/master/slot_fsm.hpp"

namespace tcp_echo {
namespace {

using State = SlotState;
using Event = SlotEvent;
using Action = SlotAction;

SlotStep while_empty(Event event) {
  switch (event) {
    case Event::kStart: return {State::kStarting, Action::kSpawn};
    case Event::kDrain:
    case Event::kStop: return {State::kGone, Action::kLeave};
    case Event::kReady:
    case Event::kFailed:
    case Event::kLate:
    case Event::kDelayOver:
    case Event::kPatienceOver: break;
  }
  return {State::kEmpty, Action::kNone};
}

SlotStep while_starting(Event event) {
  switch (event) {
    case Event::kReady: return {State::kServing, Action::kServe};
    case Event::kFailed: return {State::kWaiting, Action::kScheduleSpawn};
    case Event::kLate: return {State::kStarting, Action::kKill};
    case Event::kDrain: return {State::kStopping, Action::kTellDrain};
    case Event::kStop: return {State::kStopping, Action::kTellStop};
    case Event::kStart:
    case Event::kDelayOver:
    case Event::kPatienceOver: break;
  }
  return {State::kStarting, Action::kNone};
}

SlotStep while_serving(Event event) {
  switch (event) {
    case Event::kFailed: return {State::kWaiting, Action::kScheduleSpawn};
    case Event::kDrain: return {State::kStopping, Action::kTellDrain};
    case Event::kStop: return {State::kStopping, Action::kTellStop};
    case Event::kStart:
    case Event::kReady:
    case Event::kLate:
    case Event::kDelayOver:
    case Event::kPatienceOver: break;
  }
  return {State::kServing, Action::kNone};
}

SlotStep while_waiting(Event event) {
  switch (event) {
    case Event::kDelayOver: return {State::kStarting, Action::kSpawn};
    case Event::kDrain:
    case Event::kStop: return {State::kGone, Action::kLeave};
    case Event::kStart:
    case Event::kReady:
    case Event::kFailed:
    case Event::kLate:
    case Event::kPatienceOver: break;
  }
  return {State::kWaiting, Action::kNone};
}

SlotStep while_stopping(Event event) {
  switch (event) {
    case Event::kFailed: return {State::kGone, Action::kLeave};
    case Event::kStop: return {State::kStopping, Action::kTellStop};
    case Event::kPatienceOver: return {State::kStopping, Action::kKill};
    case Event::kStart:
    case Event::kReady:
    case Event::kLate:
    case Event::kDelayOver:
    case Event::kDrain: break;
  }
  return {State::kStopping, Action::kNone};
}

}  // namespace

SlotStep step(State state, Event event) {
  switch (state) {
    case State::kEmpty: return while_empty(event);
    case State::kStarting: return while_starting(event);
    case State::kServing: return while_serving(event);
    case State::kWaiting: return while_waiting(event);
    case State::kStopping: return while_stopping(event);
    case State::kGone: break;
  }
  return {State::kGone, Action::kNone};
}

}  // namespace tcp_echo
