#include "tcp_echo/jobs/agenda.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tcp_echo::test {
namespace {

using JobKind = Job::Kind;

Job restart_of(unsigned slot, pid_t worker) {
  return {.kind = JobKind::kRestart, .slot = slot, .worker = worker};
}
Job more_workers(int by) { return {.kind = JobKind::kScale, .by = by}; }
const Job kUpgradeJob{.kind = JobKind::kUpgrade};
const Job kReloadJob{.kind = JobKind::kReload};

/// The same, for somebody who waits.
Job for_ticket(Ticket ticket, Job job) {
  job.waiting = {ticket};
  return job;
}

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
  agenda.ask_for(kReloadJob);
  EXPECT_EQ(agenda.next(), kReloadJob);
  EXPECT_EQ(agenda.next(), std::nullopt);
}

TEST(Agenda, MergesWhatIsAskedForTwice) {
  Agenda agenda;
  for (int i = 0; i < 2; ++i) {
    agenda.ask_for(kUpgradeJob);
    agenda.ask_for(kReloadJob);
    agenda.ask_for(restart_of(3, 42));
  }
  EXPECT_EQ(all_of(agenda), (JobList{kUpgradeJob, kReloadJob, restart_of(3, 42)}));
}

TEST(Agenda, AddsWorkersUp) {
  Agenda agenda;
  agenda.ask_for(more_workers(1));
  agenda.ask_for(more_workers(1));
  agenda.ask_for(more_workers(-4));
  EXPECT_EQ(all_of(agenda), JobList{more_workers(-2)});
}

TEST(Agenda, HasNothingToDoForAWorkerMoreAndOneLess) {
  Agenda agenda;
  agenda.ask_for(more_workers(1));
  agenda.ask_for(more_workers(-1));
  EXPECT_EQ(agenda.next(), std::nullopt);
}

TEST(Agenda, BeginsWithWhatRenewsMost) {
  Agenda agenda;
  agenda.ask_for(restart_of(0, 10));
  agenda.ask_for(more_workers(1));
  agenda.ask_for(kReloadJob);
  agenda.ask_for(kUpgradeJob);
  EXPECT_EQ(all_of(agenda), (JobList{kUpgradeJob, kReloadJob, more_workers(1), restart_of(0, 10)}));
}

TEST(Agenda, RestartsInTheOrderOfTheRequests) {
  Agenda agenda;
  const JobList asked = {restart_of(2, 30), restart_of(0, 10), restart_of(1, 20)};
  for (const auto& job : asked) agenda.ask_for(job);
  EXPECT_EQ(all_of(agenda), asked);
}

TEST(Agenda, KeepsRequestsOfTwoWorkersOfOneSlotApart) {
  Agenda agenda;
  agenda.ask_for(restart_of(0, 10));
  agenda.ask_for(restart_of(0, 11));
  agenda.ask_for(restart_of(1, 10));
  EXPECT_EQ(all_of(agenda), (JobList{restart_of(0, 10), restart_of(0, 11), restart_of(1, 10)}));
}

TEST(Agenda, DoesNotMergeARequestWithOneThatHasBegun) {
  Agenda agenda;
  agenda.ask_for(kReloadJob);
  agenda.ask_for(more_workers(1));
  agenda.ask_for(restart_of(0, 10));
  const auto begun = all_of(agenda);
  EXPECT_EQ(begun.size(), 3U);
  agenda.ask_for(kReloadJob);
  agenda.ask_for(more_workers(1));
  agenda.ask_for(restart_of(0, 10));
  EXPECT_EQ(all_of(agenda), begun);
}

TEST(Agenda, TakesAnEarlierKindInBetween) {
  Agenda agenda;
  agenda.ask_for(restart_of(0, 10));
  agenda.ask_for(restart_of(1, 20));
  EXPECT_EQ(agenda.next(), restart_of(0, 10));
  agenda.ask_for(kReloadJob);
  EXPECT_EQ(all_of(agenda), (JobList{kReloadJob, restart_of(1, 20)}));
}

TEST(Agenda, LetsThoseWaitTogetherWhoAskForTheSame) {
  Agenda agenda;
  agenda.ask_for(for_ticket(1, kReloadJob));
  agenda.ask_for(kReloadJob);
  agenda.ask_for(for_ticket(2, kReloadJob));
  agenda.ask_for(for_ticket(3, restart_of(1, 20)));
  agenda.ask_for(for_ticket(4, restart_of(1, 20)));
  EXPECT_EQ(agenda.next()->waiting, (std::vector<Ticket>{1, 2}));
  EXPECT_EQ(agenda.next()->waiting, (std::vector<Ticket>{3, 4}));
}

TEST(Agenda, ScalesToEachNumberThatIsAskedForSoThatItsClientSeesThat) {
  Agenda agenda;
  const Job four{.kind = JobKind::kScale, .workers = 4, .waiting = {1}};
  const Job two{.kind = JobKind::kScale, .workers = 2, .waiting = {2}};
  agenda.ask_for(four);
  agenda.ask_for(two);
  EXPECT_EQ(all_of(agenda), (JobList{four, two}));
}

TEST(Agenda, IsBoundedHoweverManyNumbersAreAskedFor) {
  Agenda agenda;
  for (Ticket ticket = 1; ticket <= 1000; ++ticket)
    agenda.ask_for({.kind = JobKind::kScale, .workers = ticket, .waiting = {ticket}});
  const auto jobs = all_of(agenda);
  EXPECT_EQ(jobs.size(), 32U);
  EXPECT_EQ(jobs.back().workers, 1000U);
  EXPECT_EQ(jobs.back().waiting.size(), 1000U - 31U);
}

TEST(Agenda, AddsAWorkerToTheNumberThatWasAskedForLast) {
  Agenda agenda;
  agenda.ask_for({.kind = JobKind::kScale, .workers = 4, .waiting = {1}});
  agenda.ask_for(more_workers(1));
  EXPECT_EQ(all_of(agenda), (JobList{{.kind = JobKind::kScale, .workers = 4, .by = 1, .waiting = {1}}}));
}

TEST(Agenda, KeepsTryingARestartThatAlsoTheWorkerItselfWants) {
  Agenda agenda;
  auto own_wish = restart_of(0, 10);
  own_wish.is_tried_until_done = true;
  agenda.ask_for(for_ticket(1, restart_of(0, 10)));
  agenda.ask_for(own_wish);
  EXPECT_TRUE(agenda.next()->is_tried_until_done);
}

TEST(Agenda, OfAFormerProgramIsTheSameInTheNext) {
  Agenda agenda;
  for (const auto& job : {restart_of(0, 10), more_workers(2), kUpgradeJob, for_ticket(1, kReloadJob),
                          Job{.kind = JobKind::kScale, .workers = 3}})
    agenda.ask_for(job);
  Agenda next;
  for (const auto& job : agenda.jobs()) next.ask_for(job);
  EXPECT_EQ(next.jobs().size(), 5U);
  EXPECT_EQ(all_of(next), all_of(agenda));
}

}  // namespace
}  // namespace tcp_echo::test
