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
      {Phase::kConfiguring, Event::kDrainAsked, {Phase::kLeaving, Action::kLeave}},
      {Phase::kConfiguring, Event::kStopAsked, {Phase::kLeaving, Action::kLeave}},
      {Phase::kConfiguring, Event::kDeadline, {Phase::kConfiguring, Action::kNone}},
      {Phase::kConfiguring, Event::kEmpty, {Phase::kConfiguring, Action::kNone}},

      {Phase::kServing, Event::kConfigured, {Phase::kServing, Action::kNone}},
      {Phase::kServing, Event::kDrainAsked, {Phase::kDraining, Action::kDrain}},
      {Phase::kServing, Event::kStopAsked, {Phase::kLeaving, Action::kCloseAll}},
      {Phase::kServing, Event::kDeadline, {Phase::kServing, Action::kNone}},
      {Phase::kServing, Event::kEmpty, {Phase::kServing, Action::kNone}},

      {Phase::kDraining, Event::kConfigured, {Phase::kDraining, Action::kNone}},
      {Phase::kDraining, Event::kDrainAsked, {Phase::kDraining, Action::kNone}},
      {Phase::kDraining, Event::kStopAsked, {Phase::kLeaving, Action::kCloseAll}},
      {Phase::kDraining, Event::kDeadline, {Phase::kLeaving, Action::kCloseAll}},
      {Phase::kDraining, Event::kEmpty, {Phase::kLeaving, Action::kLeave}},

      {Phase::kLeaving, Event::kConfigured, {Phase::kLeaving, Action::kNone}},
      {Phase::kLeaving, Event::kDrainAsked, {Phase::kLeaving, Action::kNone}},
      {Phase::kLeaving, Event::kStopAsked, {Phase::kLeaving, Action::kNone}},
      {Phase::kLeaving, Event::kDeadline, {Phase::kLeaving, Action::kNone}},
      {Phase::kLeaving, Event::kEmpty, {Phase::kLeaving, Action::kLeave}},
  };
  return rows;
}

constexpr int kPhases = static_cast<int>(Phase::kLeaving) + 1;
constexpr int kEvents = static_cast<int>(Event::kEmpty) + 1;

TEST(WorkerFsm, TableNamesEveryPhaseWithEveryEventOnce) {
  std::set<std::pair<Phase, Event>> named;
  for (const auto& row : table()) named.emplace(row.phase, row.event);
  EXPECT_EQ(named.size(), table().size());
  EXPECT_EQ(named.size(), static_cast<std::size_t>(kPhases * kEvents));
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
  for (int event = 0; event < kEvents; ++event)
    EXPECT_EQ(step(Phase::kLeaving, static_cast<Event>(event)).phase, Phase::kLeaving);
}

TEST(WorkerFsm, StopLeavesFromEveryPhase) {
  for (int phase = 0; phase < kPhases; ++phase)
    EXPECT_EQ(step(static_cast<Phase>(phase), Event::kStopAsked).phase, Phase::kLeaving);
}

}  // namespace
}  // namespace tcp_echo::test
