#include "worker/worker_fsm.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "support/document.hpp"
#include "support/state_picture.hpp"

namespace tcp_echo::test {
namespace {

using Phase = WorkerPhase;
using Event = WorkerEvent;
using Action = WorkerAction;

/// What does something; whatever is not here leaves the worker as it is. Written apart from the table under
/// test: a change of that one has to be meant.
const std::map<std::pair<Phase, Event>, WorkerStep>& table() {
  static const std::map<std::pair<Phase, Event>, WorkerStep> steps = {
      {{Phase::kConfiguring, Event::kConfigured}, {Phase::kServing, Action::kServe}},
      {{Phase::kConfiguring, Event::kLeaveAsked}, {Phase::kLeaving, Action::kLeave}},
      {{Phase::kConfiguring, Event::kSuccessor}, {Phase::kLeaving, Action::kLeave}},
      {{Phase::kConfiguring, Event::kAbandoned}, {Phase::kLeaving, Action::kLeave}},
      {{Phase::kConfiguring, Event::kDrainAsked}, {Phase::kLeaving, Action::kLeave}},
      {{Phase::kConfiguring, Event::kOrphaned}, {Phase::kLeaving, Action::kLeave}},
      {{Phase::kConfiguring, Event::kStopAsked}, {Phase::kLeaving, Action::kLeave}},

      {{Phase::kServing, Event::kLeaveAsked}, {Phase::kAsking, Action::kAskForSuccessor}},
      {{Phase::kServing, Event::kServedEnough}, {Phase::kAsking, Action::kAskForSuccessor}},
      {{Phase::kServing, Event::kSuccessor}, {Phase::kMoving, Action::kMoveOut}},
      {{Phase::kServing, Event::kCutOff}, {Phase::kServing, Action::kHold}},
      {{Phase::kServing, Event::kAbandoned}, {Phase::kRetiring, Action::kRetire}},
      {{Phase::kServing, Event::kDrainAsked}, {Phase::kDraining, Action::kDrain}},
      {{Phase::kServing, Event::kOrphaned}, {Phase::kDraining, Action::kDrainAlone}},
      {{Phase::kServing, Event::kStopAsked}, {Phase::kLeaving, Action::kCloseAll}},

      {{Phase::kAsking, Event::kSuccessor}, {Phase::kMoving, Action::kMoveOut}},
      {{Phase::kAsking, Event::kCutOff}, {Phase::kAsking, Action::kHold}},
      {{Phase::kAsking, Event::kAbandoned}, {Phase::kRetiring, Action::kRetire}},
      {{Phase::kAsking, Event::kDrainAsked}, {Phase::kDraining, Action::kDrain}},
      {{Phase::kAsking, Event::kOrphaned}, {Phase::kDraining, Action::kDrainAlone}},
      {{Phase::kAsking, Event::kStopAsked}, {Phase::kLeaving, Action::kCloseAll}},

      {{Phase::kMoving, Event::kSuccessor}, {Phase::kMoving, Action::kMoveOut}},
      {{Phase::kMoving, Event::kAbandoned}, {Phase::kRetiring, Action::kRetire}},
      {{Phase::kMoving, Event::kDrainAsked}, {Phase::kRetiring, Action::kRetire}},
      {{Phase::kMoving, Event::kOrphaned}, {Phase::kDraining, Action::kDrainAlone}},
      {{Phase::kMoving, Event::kStopAsked}, {Phase::kLeaving, Action::kCloseAll}},
      {{Phase::kMoving, Event::kDone}, {Phase::kLeaving, Action::kLeave}},

      {{Phase::kRetiring, Event::kSuccessor}, {Phase::kMoving, Action::kMoveOut}},
      {{Phase::kRetiring, Event::kOrphaned}, {Phase::kDraining, Action::kDrainAlone}},
      {{Phase::kRetiring, Event::kStopAsked}, {Phase::kLeaving, Action::kCloseAll}},
      {{Phase::kRetiring, Event::kDeadline}, {Phase::kLeaving, Action::kCloseAll}},
      {{Phase::kRetiring, Event::kDone}, {Phase::kLeaving, Action::kLeave}},

      {{Phase::kDraining, Event::kStopAsked}, {Phase::kLeaving, Action::kCloseAll}},
      {{Phase::kDraining, Event::kDeadline}, {Phase::kLeaving, Action::kCloseAll}},
      {{Phase::kDraining, Event::kDone}, {Phase::kLeaving, Action::kLeave}},

      {{Phase::kLeaving, Event::kDone}, {Phase::kLeaving, Action::kLeave}},
  };
  return steps;
}

class EveryWorkerStep : public ::testing::TestWithParam<std::tuple<Phase, Event>> {};

TEST_P(EveryWorkerStep, IsAsTheTableSays) {
  const auto [phase, event] = GetParam();
  const auto row = table().find({phase, event});
  const auto expected = row == table().end() ? WorkerStep{phase, Action::kNone} : row->second;
  const auto stepped = step(phase, event);
  EXPECT_EQ(static_cast<int>(stepped.state), static_cast<int>(expected.state));
  EXPECT_EQ(static_cast<int>(stepped.action), static_cast<int>(expected.action));
}

INSTANTIATE_TEST_SUITE_P(Table, EveryWorkerStep,
                         ::testing::Combine(::testing::ValuesIn(kWorkerPhases),
                                            ::testing::ValuesIn(kWorkerEvents)),
                         [](const auto& row) {
                           return "Phase" + std::to_string(static_cast<int>(std::get<0>(row.param))) +
                                  "Event" + std::to_string(static_cast<int>(std::get<1>(row.param)));
                         });

TEST(WorkerFsm, ListsNameEachValueOnceAndInOrder) {
  for (std::size_t i = 0; i < kWorkerPhases.size(); ++i)
    EXPECT_EQ(static_cast<std::size_t>(kWorkerPhases[i]), i);
  for (std::size_t i = 0; i < kWorkerEvents.size(); ++i)
    EXPECT_EQ(static_cast<std::size_t>(kWorkerEvents[i]), i);
  EXPECT_EQ(kWorkerPhases.back(), Phase::kLeaving);
  EXPECT_EQ(kWorkerEvents.back(), Event::kDone);
}

TEST(WorkerFsm, HasNoRowThatDoesNothing) {
  for (const auto& [phase, event, next] : worker_table())
    EXPECT_NE(next, (WorkerStep{phase, Action::kNone})) << name_of(phase) << ", " << name_of(event);
}

TEST(WorkerFsm, NothingLeadsBackFromLeaving) {
  for (const auto event : kWorkerEvents) EXPECT_EQ(step(Phase::kLeaving, event).state, Phase::kLeaving);
}

TEST(WorkerFsm, StopLeavesFromEveryPhase) {
  for (const auto phase : kWorkerPhases) EXPECT_EQ(step(phase, Event::kStopAsked).state, Phase::kLeaving);
}

TEST(WorkerFsm, WithoutItsMasterAWorkerAlwaysComesToAnEnd) {
  for (const auto phase : kWorkerPhases) {
    const auto orphaned = step(phase, Event::kOrphaned).state;
    EXPECT_TRUE(orphaned == Phase::kDraining || orphaned == Phase::kLeaving);
    EXPECT_EQ(step(orphaned, Event::kDeadline).state, Phase::kLeaving);
  }
}

TEST(WorkerFsm, IsAsThePictureInTheDocumentationShowsIt) {
  expect_part_is(TCP_ECHO_SOURCE "/docs/architecture.md", "worker states",
                 picture_of(worker_table(), Phase::kConfiguring, {Phase::kLeaving}));
}

}  // namespace
}  // namespace tcp_echo::test
