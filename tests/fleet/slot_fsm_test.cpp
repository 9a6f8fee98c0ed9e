#include "tcp_echo/fleet/slot_fsm.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "support/document.hpp"
#include "support/state_picture.hpp"

namespace tcp_echo::test {
namespace {

using State = SlotState;
using Event = SlotEvent;
using Action = SlotAction;

/// What does something; whatever is not here leaves the slot as it is. Written apart from the table under
/// test: a change of that one has to be meant.
const std::map<std::pair<State, Event>, SlotStep>& table() {
  static const std::map<std::pair<State, Event>, SlotStep> steps = {
      {{State::kEmpty, Event::kStart}, {State::kStarting, Action::kSpawn}},
      {{State::kEmpty, Event::kSucceeded}, {State::kServing, Action::kInstall}},
      {{State::kEmpty, Event::kDrain}, {State::kGone, Action::kLeave}},
      {{State::kEmpty, Event::kStop}, {State::kGone, Action::kLeave}},

      {{State::kStarting, Event::kReady}, {State::kServing, Action::kServe}},
      {{State::kStarting, Event::kFailed}, {State::kWaiting, Action::kScheduleSpawn}},
      {{State::kStarting, Event::kLate}, {State::kHung, Action::kKillLate}},
      {{State::kStarting, Event::kSucceeded}, {State::kServing, Action::kInstall}},
      {{State::kStarting, Event::kDismissed}, {State::kRetired, Action::kDismiss}},
      {{State::kStarting, Event::kDrain}, {State::kEmptying, Action::kTellDrain}},
      {{State::kStarting, Event::kStop}, {State::kStopping, Action::kTellStop}},

      {{State::kServing, Event::kFailed}, {State::kWaiting, Action::kScheduleSpawn}},
      {{State::kServing, Event::kHung}, {State::kHung, Action::kAbort}},
      {{State::kServing, Event::kLeaving}, {State::kServing, Action::kAskSuccessor}},
      {{State::kServing, Event::kSucceeded}, {State::kServing, Action::kInstall}},
      {{State::kServing, Event::kDismissed}, {State::kRetired, Action::kDismiss}},
      {{State::kServing, Event::kDrain}, {State::kEmptying, Action::kTellDrain}},
      {{State::kServing, Event::kStop}, {State::kStopping, Action::kTellStop}},

      {{State::kHung, Event::kFailed}, {State::kWaiting, Action::kScheduleSpawn}},
      {{State::kHung, Event::kPatienceOver}, {State::kHung, Action::kKill}},
      {{State::kHung, Event::kSucceeded}, {State::kServing, Action::kInstall}},
      {{State::kHung, Event::kDismissed}, {State::kRetired, Action::kDismiss}},
      {{State::kHung, Event::kDrain}, {State::kEmptying, Action::kNone}},
      {{State::kHung, Event::kStop}, {State::kStopping, Action::kTellStop}},

      {{State::kWaiting, Event::kDelayOver}, {State::kStarting, Action::kSpawn}},
      {{State::kWaiting, Event::kSucceeded}, {State::kServing, Action::kInstall}},
      {{State::kWaiting, Event::kDismissed}, {State::kRetired, Action::kDismiss}},
      {{State::kWaiting, Event::kDrain}, {State::kEmptyingAgain, Action::kSpawnToDrain}},
      {{State::kWaiting, Event::kStop}, {State::kGone, Action::kLeave}},

      {{State::kRetired, Event::kSucceeded}, {State::kServing, Action::kInstall}},
      {{State::kRetired, Event::kDrain}, {State::kGone, Action::kLeave}},
      {{State::kRetired, Event::kStop}, {State::kGone, Action::kLeave}},

      {{State::kEmptying, Event::kFailed}, {State::kEmptyingAgain, Action::kSpawnToDrain}},
      {{State::kEmptying, Event::kLate}, {State::kEmptying, Action::kKillLate}},
      {{State::kEmptying, Event::kHung}, {State::kEmptying, Action::kAbort}},
      {{State::kEmptying, Event::kPatienceOver}, {State::kEmptying, Action::kKill}},
      {{State::kEmptying, Event::kEmptied}, {State::kStopping, Action::kNone}},
      {{State::kEmptying, Event::kStop}, {State::kStopping, Action::kTellStop}},

      {{State::kEmptyingAgain, Event::kFailed}, {State::kSpent, Action::kLeave}},
      {{State::kEmptyingAgain, Event::kLate}, {State::kEmptyingAgain, Action::kKillLate}},
      {{State::kEmptyingAgain, Event::kHung}, {State::kEmptyingAgain, Action::kAbort}},
      {{State::kEmptyingAgain, Event::kPatienceOver}, {State::kEmptyingAgain, Action::kKill}},
      {{State::kEmptyingAgain, Event::kStop}, {State::kStopping, Action::kTellStop}},

      {{State::kStopping, Event::kFailed}, {State::kGone, Action::kLeave}},
      {{State::kStopping, Event::kHung}, {State::kStopping, Action::kAbort}},
      {{State::kStopping, Event::kPatienceOver}, {State::kStopping, Action::kKill}},
      {{State::kStopping, Event::kStop}, {State::kStopping, Action::kTellStop}},

      {{State::kGone, Event::kDrain}, {State::kEmptyingAgain, Action::kSpawnToDrain}},
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
  EXPECT_EQ(kSlotStates.back(), State::kSpent);
  EXPECT_EQ(kSlotEvents.back(), Event::kPatienceOver);
}

bool is_over(State state) { return state == State::kGone || state == State::kSpent; }

TEST(SlotFsm, OnlyQueuesThatNobodyEmptiesLeadBackFromGone) {
  for (const auto event : kSlotEvents) {
    EXPECT_EQ(step(State::kSpent, event), (SlotStep{State::kSpent, Action::kNone}));
    if (event == Event::kDrain) continue;
    EXPECT_EQ(step(State::kGone, event), (SlotStep{State::kGone, Action::kNone}));
  }
}

/// A process is there in these states.
bool runs(State state) {
  switch (state) {
    case State::kStarting:
    case State::kServing:
    case State::kHung:
    case State::kEmptying:
    case State::kEmptyingAgain:
    case State::kStopping: return true;
    case State::kEmpty:
    case State::kWaiting:
    case State::kRetired:
    case State::kGone:
    case State::kSpent: return false;
  }
  return false;
}

TEST(SlotFsm, SpawnsOnlyWhereNoProcessRunsAnyMore) {
  for (const auto& [state, event, next] : slot_table()) {
    const bool spawns = next.action == Action::kSpawn || next.action == Action::kSpawnToDrain;
    if (!spawns) continue;
    EXPECT_TRUE(!runs(state) || event == Event::kFailed);
    EXPECT_TRUE(runs(next.state));
  }
}

TEST(SlotFsm, KillsAndTellsOnlyWhereAProcessRuns) {
  for (const auto& [state, event, next] : slot_table()) {
    switch (next.action) {
      case Action::kKillLate:
      case Action::kAbort:
      case Action::kKill:
      case Action::kAskSuccessor:
      case Action::kTellDrain:
      case Action::kTellStop: EXPECT_TRUE(runs(state) && runs(next.state) && event != Event::kFailed); break;
      case Action::kNone:
      case Action::kSpawn:
      case Action::kServe:
      case Action::kInstall:
      case Action::kDismiss:
      case Action::kScheduleSpawn:
      case Action::kSpawnToDrain:
      case Action::kLeave: break;
    }
  }
}

TEST(SlotFsm, AFailureLeavesNoStateThatNeedsAProcessWithoutANewOne) {
  for (const auto state : kSlotStates) {
    if (!runs(state)) continue;
    const auto next = step(state, Event::kFailed);
    EXPECT_TRUE(!runs(next.state) || next.action == Action::kSpawnToDrain);
  }
}

TEST(SlotFsm, AfterStopAndThenTheExitEverySlotIsGone) {
  for (const auto state : kSlotStates)
    EXPECT_TRUE(is_over(step(step(state, Event::kStop).state, Event::kFailed).state));
}

TEST(SlotFsm, AfterDrainASlotIsGoneByItsSecondExitAtLatest) {
  for (const auto state : kSlotStates) {
    const auto drained = step(state, Event::kDrain).state;
    EXPECT_TRUE(is_over(step(step(drained, Event::kFailed).state, Event::kFailed).state));
  }
}

TEST(SlotFsm, NoProcessOutlivesAStopForThatItCanIgnore) {
  for (const auto state : kSlotStates) {
    const auto stopped = step(state, Event::kStop);
    if (!runs(stopped.state)) continue;
    EXPECT_EQ(step(stopped.state, Event::kPatienceOver).action, Action::kKill);
  }
}

TEST(SlotFsm, IsAsThePictureInTheDocumentationShowsIt) {
  expect_part_is(TCP_ECHO_SOURCE "/docs/architecture.md", "slot states",
                 picture_of(slot_table(), State::kEmpty, {State::kGone, State::kSpent}));
}

}  // namespace
}  // namespace tcp_echo::test
