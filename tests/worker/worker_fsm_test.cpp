#include "tcp_echo/worker/worker_fsm.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tcp_echo::test {
namespace {

using Phase = WorkerPhase;
using Event = WorkerEvent;
using Action = WorkerAction;

struct Row {
  Phase phase;
  Event event;
  WorkerStep step;
};

const std::vector<Row>& table() {
  static const std::vector<Row> rows = {
      {Phase::kConfiguring, Event::kConfigured, {Phase::kServing, Action::kServe}},
      {Phase::kConfiguring, Event::kLeaveAsked, {Phase::kLeaving, Action::kLeave}},
      {Phase::kConfiguring, Event::kServedEnough, {Phase::kConfiguring, Action::kNone}},
      {Phase::kConfiguring, Event::kSuccessor, {Phase::kLeaving, Action::kLeave}},
      {Phase::kConfiguring, Event::kAbandoned, {Phase::kLeaving, Action::kLeave}},
      {Phase::kConfiguring, Event::kDrainAsked, {Phase::kLeaving, Action::kLeave}},
      {Phase::kConfiguring, Event::kOrphaned, {Phase::kLeaving, Action::kLeave}},
      {Phase::kConfiguring, Event::kStopAsked, {Phase::kLeaving, Action::kLeave}},
      {Phase::kConfiguring, Event::kDeadline, {Phase::kConfiguring, Action::kNone}},
      {Phase::kConfiguring, Event::kDone, {Phase::kConfiguring, Action::kNone}},

      {Phase::kServing, Event::kConfigured, {Phase::kServing, Action::kNone}},
      {Phase::kServing, Event::kLeaveAsked, {Phase::kAsking, Action::kAskForSuccessor}},
      {Phase::kServing, Event::kServedEnough, {Phase::kAsking, Action::kAskForSuccessor}},
      {Phase::kServing, Event::kSuccessor, {Phase::kMoving, Action::kMoveOut}},
      {Phase::kServing, Event::kAbandoned, {Phase::kRetiring, Action::kRetire}},
      {Phase::kServing, Event::kDrainAsked, {Phase::kDraining, Action::kDrain}},
      {Phase::kServing, Event::kOrphaned, {Phase::kDraining, Action::kDrainAlone}},
      {Phase::kServing, Event::kStopAsked, {Phase::kLeaving, Action::kCloseAll}},
      {Phase::kServing, Event::kDeadline, {Phase::kServing, Action::kNone}},
      {Phase::kServing, Event::kDone, {Phase::kServing, Action::kNone}},

      {Phase::kAsking, Event::kConfigured, {Phase::kAsking, Action::kNone}},
      {Phase::kAsking, Event::kLeaveAsked, {Phase::kAsking, Action::kNone}},
      {Phase::kAsking, Event::kServedEnough, {Phase::kAsking, Action::kNone}},
      {Phase::kAsking, Event::kSuccessor, {Phase::kMoving, Action::kMoveOut}},
      {Phase::kAsking, Event::kAbandoned, {Phase::kRetiring, Action::kRetire}},
      {Phase::kAsking, Event::kDrainAsked, {Phase::kDraining, Action::kDrain}},
      {Phase::kAsking, Event::kOrphaned, {Phase::kDraining, Action::kDrainAlone}},
      {Phase::kAsking, Event::kStopAsked, {Phase::kLeaving, Action::kCloseAll}},
      {Phase::kAsking, Event::kDeadline, {Phase::kAsking, Action::kNone}},
      {Phase::kAsking, Event::kDone, {Phase::kAsking, Action::kNone}},

      {Phase::kMoving, Event::kConfigured, {Phase::kMoving, Action::kNone}},
      {Phase::kMoving, Event::kLeaveAsked, {Phase::kMoving, Action::kNone}},
      {Phase::kMoving, Event::kServedEnough, {Phase::kMoving, Action::kNone}},
      {Phase::kMoving, Event::kSuccessor, {Phase::kMoving, Action::kMoveOut}},
      {Phase::kMoving, Event::kAbandoned, {Phase::kRetiring, Action::kRetire}},
      {Phase::kMoving, Event::kDrainAsked, {Phase::kRetiring, Action::kRetire}},
      {Phase::kMoving, Event::kOrphaned, {Phase::kDraining, Action::kDrainAlone}},
      {Phase::kMoving, Event::kStopAsked, {Phase::kLeaving, Action::kCloseAll}},
      {Phase::kMoving, Event::kDeadline, {Phase::kMoving, Action::kNone}},
      {Phase::kMoving, Event::kDone, {Phase::kLeaving, Action::kLeave}},

      {Phase::kRetiring, Event::kConfigured, {Phase::kRetiring, Action::kNone}},
      {Phase::kRetiring, Event::kLeaveAsked, {Phase::kRetiring, Action::kNone}},
      {Phase::kRetiring, Event::kServedEnough, {Phase::kRetiring, Action::kNone}},
      {Phase::kRetiring, Event::kSuccessor, {Phase::kMoving, Action::kMoveOut}},
      {Phase::kRetiring, Event::kAbandoned, {Phase::kRetiring, Action::kNone}},
      {Phase::kRetiring, Event::kDrainAsked, {Phase::kRetiring, Action::kNone}},
      {Phase::kRetiring, Event::kOrphaned, {Phase::kDraining, Action::kDrainAlone}},
      {Phase::kRetiring, Event::kStopAsked, {Phase::kLeaving, Action::kCloseAll}},
      {Phase::kRetiring, Event::kDeadline, {Phase::kLeaving, Action::kCloseAll}},
      {Phase::kRetiring, Event::kDone, {Phase::kLeaving, Action::kLeave}},

      {Phase::kDraining, Event::kConfigured, {Phase::kDraining, Action::kNone}},
      {Phase::kDraining, Event::kLeaveAsked, {Phase::kDraining, Action::kNone}},
      {Phase::kDraining, Event::kServedEnough, {Phase::kDraining, Action::kNone}},
      {Phase::kDraining, Event::kSuccessor, {Phase::kDraining, Action::kNone}},
      {Phase::kDraining, Event::kAbandoned, {Phase::kDraining, Action::kNone}},
      {Phase::kDraining, Event::kDrainAsked, {Phase::kDraining, Action::kNone}},
      {Phase::kDraining, Event::kOrphaned, {Phase::kDraining, Action::kNone}},
      {Phase::kDraining, Event::kStopAsked, {Phase::kLeaving, Action::kCloseAll}},
      {Phase::kDraining, Event::kDeadline, {Phase::kLeaving, Action::kCloseAll}},
      {Phase::kDraining, Event::kDone, {Phase::kLeaving, Action::kLeave}},

      {Phase::kLeaving, Event::kConfigured, {Phase::kLeaving, Action::kNone}},
      {Phase::kLeaving, Event::kLeaveAsked, {Phase::kLeaving, Action::kNone}},
      {Phase::kLeaving, Event::kServedEnough, {Phase::kLeaving, Action::kNone}},
      {Phase::kLeaving, Event::kSuccessor, {Phase::kLeaving, Action::kNone}},
      {Phase::kLeaving, Event::kAbandoned, {Phase::kLeaving, Action::kNone}},
      {Phase::kLeaving, Event::kDrainAsked, {Phase::kLeaving, Action::kNone}},
      {Phase::kLeaving, Event::kOrphaned, {Phase::kLeaving, Action::kNone}},
      {Phase::kLeaving, Event::kStopAsked, {Phase::kLeaving, Action::kNone}},
      {Phase::kLeaving, Event::kDeadline, {Phase::kLeaving, Action::kNone}},
      {Phase::kLeaving, Event::kDone, {Phase::kLeaving, Action::kLeave}},
  };
  return rows;
}

TEST(WorkerFsm, TableNamesEveryPhaseWithEveryEventOnce) {
  std::set<std::pair<Phase, Event>> named;
  for (const auto& row : table()) named.emplace(row.phase, row.event);
  EXPECT_EQ(named.size(), table().size());
  EXPECT_EQ(named.size(), kWorkerPhases.size() * kWorkerEvents.size());
}

class EveryWorkerStep : public ::testing::TestWithParam<Row> {};

TEST_P(EveryWorkerStep, IsAsTheTableSays) {
  const auto& row = GetParam();
  const auto stepped = step(row.phase, row.event);
  EXPECT_EQ(static_cast<int>(stepped.phase), static_cast<int>(row.step.phase));
  EXPECT_EQ(static_cast<int>(stepped.action), static_cast<int>(row.step.action));
}

INSTANTIATE_TEST_SUITE_P(Table, EveryWorkerStep, ::testing::ValuesIn(table()), [](const auto& row) {
  return "Phase" + std::to_string(static_cast<int>(row.param.phase)) + "Event" +
         std::to_string(static_cast<int>(row.param.event));
});

TEST(WorkerFsm, NothingLeadsBackFromLeaving) {
  for (const auto event : kWorkerEvents) EXPECT_EQ(step(Phase::kLeaving, event).phase, Phase::kLeaving);
}

TEST(WorkerFsm, StopLeavesFromEveryPhase) {
  for (const auto phase : kWorkerPhases) EXPECT_EQ(step(phase, Event::kStopAsked).phase, Phase::kLeaving);
}

TEST(WorkerFsm, WithoutItsMasterAWorkerAlwaysComesToAnEnd) {
  for (const auto phase : kWorkerPhases) {
    const auto orphaned = step(phase, Event::kOrphaned).phase;
    EXPECT_TRUE(orphaned == Phase::kDraining || orphaned == Phase::kLeaving);
    EXPECT_EQ(step(orphaned, Event::kDeadline).phase, Phase::kLeaving);
  }
}

}  // namespace
}  // namespace tcp_echo::test
