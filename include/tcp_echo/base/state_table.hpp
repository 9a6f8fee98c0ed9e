// A state machine as a table: one row for each pair of state and event that changes or does something. Pure.
#pragma once

#include <span>

namespace tcp_echo {

template <class State, class Action>
struct StateStep {
  State state;
  Action action;
  bool operator==(const StateStep&) const = default;
};

template <class State, class Event, class Action>
struct StateRow {
  State state;
  Event event;
  StateStep<State, Action> step;
};

/// The next state, and what to do. A pair that is not in the table changes nothing and does nothing.
template <class State, class Event, class Action>
constexpr StateStep<State, Action> step_in(std::span<const StateRow<State, Event, Action>> table, State state,
                                           Event event) {
  for (const auto& row : table) {
    if (row.state == state && row.event == event) return row.step;
  }
  return {state, Action::kNone};
}

/// For a static_assert: a pair of state and event has one outcome.
template <class State, class Event, class Action>
constexpr bool has_no_pair_twice(std::span<const StateRow<State, Event, Action>> table) {
  for (const auto& row : table) {
    int count = 0;
    for (const auto& other : table) count += row.state == other.state && row.event == other.event ? 1 : 0;
    if (count != 1) return false;
  }
  return true;
}

}  // namespace tcp_echo
