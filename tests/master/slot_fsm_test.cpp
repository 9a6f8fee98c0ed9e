#include "tcp_echo/master/slot_fsm.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace tcp_echo::test {
namespace {

using State = SlotState;
using Event = SlotEvent;
using Action = SlotAction;

/// What does something; whatever is not here leaves the slot as it is.
const std::map<std::pair<State, Event>, SlotStep>& table() {
  static const std::map<std::pair<State, Event>, SlotStep> steps = {
      {{State::kEmpty, Event::kStart}, {State::kStarting, Action::kSpawn}},
      {{State::kEmpty, Event::kDrain}, {State::kGone, Action::kLeave}},
      {{State::kEmpty, Event::kStop}, {State::kGone, Action::kLeave}},

      {{State::kStarting, Event::kReady}, {State::kServing, Action::kServe}},
      {{State::kStarting, Event::kFailed}, {State::kWaiting, Action::kScheduleSpawn}},
      {{State::kStarting, Event::kLate}, {State::kStarting, Action::kKill}},
      {{State::kStarting, Event::kDrain}, {State::kStopping, Action::kTellDrain}},
      {{State::kStarting, Event::kStop}, {State::kStopping, Action::kTellStop}},

      {{State::kServing, Event::kFailed}, {State::kWaiting, Action::kScheduleSpawn}},
      {{State::kServing, Event::kDrain}, {State::kStopping, Action::kTellDrain}},
      {{State::kServing, Event::kStop}, {State::kStopping, Action::kTellStop}},

      {{State::kWaiting, Event::kDelayOver}, {State::kStarting, Action::kSpawn}},
      {{State::kWaiting, Event::kDrain}, {State::kGone, Action::kLeave}},
      {{State::kWaiting, Event::kStop}, {State::kGone, Action::kLeave}},

      {{State::kStopping, Event::kFailed}, {State::kGone, Action::kLeave}},
      {{State::kStopping, Event::kStop}, {State::kStopping, Action::kTellStop}},
      {{State::kStopping, Event::kPatienceOver}, {State::kStopping, Action::kKill}},
  };
  return steps;
}

class EverySlotStep : public ::testing::TestWithParam<std::tuple<State, Event>> {};

TEST_P(EverySlotStep, IsAsTheTableSays) {
  const auto [state, event] = GetParam();
  const auto row = table().find({state, event});
  const auto expected = row == table().end() ? SlotStep{state, Action::kNone} : row->second;
  const auto stepped = step(state, event);
  EXPECT_EQ(static_cast<int>(stepped.state), static_cast<int>(expected.state));
  EXPECT_EQ(static_cast<int>(stepped.action), static_cast<int>(expected.action));
}

INSTANTIATE_TEST_SUITE_P(Table, EverySlotStep,
                         ::testing::Combine(::testing::ValuesIn(kSlotStates),
                                            ::testing::ValuesIn(kSlotEvents)),
                         [](const auto& row) {
                           return "State" + std::to_string(static_cast<int>(std::get<0>(row.param))) +
                                  "Event" + std::to_string(static_cast<int>(std::get<1>(row.param)));
                         });

TEST(SlotFsm, ListsNameEachValueOnceAndInOrder) {
  for (std::size_t i = 0; i < kSlotStates.size(); ++i) EXPECT_EQ(static_cast<std::size_t>(kSlotStates[i]), i);
  for (std::size_t i = 0; i < kSlotEvents.size(); ++i) EXPECT_EQ(static_cast<std::size_t>(kSlotEvents[i]), i);
  EXPECT_EQ(kSlotStates.back(), State::kGone);
  EXPECT_EQ(kSlotEvents.back(), Event::kPatienceOver);
}

TEST(SlotFsm, NothingLeadsBackFromGone) {
  for (const auto event : kSlotEvents)
    EXPECT_EQ(step(State::kGone, event), (SlotStep{State::kGone, Action::kNone}));
}

TEST(SlotFsm, SpawnsOnlyWhereNoProcessRuns) {
  for (const auto state : kSlotStates) {
    for (const auto event : kSlotEvents) {
      if (step(state, event).action != Action::kSpawn) continue;
      EXPECT_TRUE(state == State::kEmpty || state == State::kWaiting);
    }
  }
}

TEST(SlotFsm, KillsAndTellsOnlyWhereAProcessRuns) {
  for (const auto state : kSlotStates) {
    const bool runs = state == State::kStarting || state == State::kServing || state == State::kStopping;
    for (const auto event : kSlotEvents) {
      const auto action = step(state, event).action;
      if (action == Action::kKill || action == Action::kTellDrain || action == Action::kTellStop) {
        EXPECT_TRUE(runs);
      }
    }
  }
}

TEST(SlotFsm, AfterStopAndThenTheExitEverySlotIsGone) {
  for (const auto state : kSlotStates)
    EXPECT_EQ(step(step(state, Event::kStop).state, Event::kFailed).state, State::kGone);
}

}  // namespace
}  // namespace tcp_echo::test
