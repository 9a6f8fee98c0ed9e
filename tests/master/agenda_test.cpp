#include "tcp_echo/master/agenda.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tcp_echo::test {
namespace {

using Kind = Job::Kind;

Job restart_of(unsigned slot, pid_t worker) { return {Kind::kRestart, 0, slot, worker}; }

/// Everything that is to be done, in its order.
std::vector<Job> all_of(Agenda& agenda) {
  std::vector<Job> jobs;
  while (const auto job = agenda.next()) jobs.push_back(*job);
  return jobs;
}

using JobList = std::vector<Job>;

TEST(Agenda, IsEmptyAtFirst) { EXPECT_EQ(Agenda().next(), std::nullopt); }

TEST(Agenda, GivesEachJobOnce) {
  Agenda agenda;
  agenda.ask_for_reload();
  EXPECT_EQ(agenda.next(), Job{.kind = Kind::kReload});
  EXPECT_EQ(agenda.next(), std::nullopt);
}

TEST(Agenda, MergesWhatIsAskedForTwice) {
  Agenda agenda;
  for (int i = 0; i < 2; ++i) {
    agenda.ask_for_upgrade();
    agenda.ask_for_reload();
    agenda.ask_for_restart(3, 42);
  }
  EXPECT_EQ(all_of(agenda), (JobList{{.kind = Kind::kUpgrade}, {.kind = Kind::kReload}, restart_of(3, 42)}));
}

TEST(Agenda, AddsWorkersUp) {
  Agenda agenda;
  agenda.ask_for_workers(1);
  agenda.ask_for_workers(1);
  agenda.ask_for_workers(-4);
  EXPECT_EQ(agenda.workers_asked(), -2);
  EXPECT_EQ(all_of(agenda), (JobList{{.kind = Kind::kScale, .by = -2}}));
  EXPECT_EQ(agenda.workers_asked(), 0);
}

TEST(Agenda, HasNothingToDoForAWorkerMoreAndOneLess) {
  Agenda agenda;
  agenda.ask_for_workers(1);
  agenda.ask_for_workers(-1);
  EXPECT_EQ(agenda.next(), std::nullopt);
}

TEST(Agenda, BeginsWithWhatRenewsMost) {
  Agenda agenda;
  agenda.ask_for_restart(0, 10);
  agenda.ask_for_workers(1);
  agenda.ask_for_reload();
  agenda.ask_for_upgrade();
  EXPECT_EQ(all_of(agenda), (JobList{{.kind = Kind::kUpgrade},
                                     {.kind = Kind::kReload},
                                     {.kind = Kind::kScale, .by = 1},
                                     restart_of(0, 10)}));
}

TEST(Agenda, RestartsInTheOrderOfTheRequests) {
  Agenda agenda;
  const JobList asked = {restart_of(2, 30), restart_of(0, 10), restart_of(1, 20)};
  for (const auto& job : asked) agenda.ask_for_restart(job.slot, job.worker);
  EXPECT_EQ(JobList(agenda.restarts_asked().begin(), agenda.restarts_asked().end()), asked);
  EXPECT_EQ(all_of(agenda), asked);
  EXPECT_TRUE(agenda.restarts_asked().empty());
}

TEST(Agenda, KeepsRequestsOfTwoWorkersOfOneSlotApart) {
  Agenda agenda;
  agenda.ask_for_restart(0, 10);
  agenda.ask_for_restart(0, 11);
  agenda.ask_for_restart(1, 10);
  EXPECT_EQ(all_of(agenda), (JobList{restart_of(0, 10), restart_of(0, 11), restart_of(1, 10)}));
}

TEST(Agenda, DoesNotMergeARequestWithOneThatHasBegun) {
  Agenda agenda;
  agenda.ask_for_reload();
  agenda.ask_for_workers(1);
  agenda.ask_for_restart(0, 10);
  const auto begun = all_of(agenda);
  EXPECT_EQ(begun.size(), 3U);
  agenda.ask_for_reload();
  agenda.ask_for_workers(1);
  agenda.ask_for_restart(0, 10);
  EXPECT_EQ(all_of(agenda), begun);
}

TEST(Agenda, TakesAnEarlierKindInBetween) {
  Agenda agenda;
  agenda.ask_for_restart(0, 10);
  agenda.ask_for_restart(1, 20);
  EXPECT_EQ(agenda.next(), restart_of(0, 10));
  agenda.ask_for_reload();
  EXPECT_EQ(all_of(agenda), (JobList{{.kind = Kind::kReload}, restart_of(1, 20)}));
}

}  // namespace
}  // namespace tcp_echo::test
