// Random requests against the agenda: they merge, none is lost, and the order holds.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <vector>

#include "support/dice.hpp"
#include "tcp_echo/jobs/agenda.hpp"

namespace tcp_echo::test {
namespace {

/// What was asked for, each request by itself, in the order in which they came.
class Requests {
 public:
  void add(const Job& job) { jobs_.push_back(job); }

  /// What has to be next: all requests for the same thing are one.
  std::optional<Job> next() {
    for (const auto kind : {Job::Kind::kUpgrade, Job::Kind::kReload}) {
      if (std::erase_if(jobs_, [kind](const Job& job) { return job.kind == kind; }) > 0)
        return Job{.kind = kind};
    }
    if (const int by = take_workers(); by != 0) return Job{.kind = Job::Kind::kScale, .by = by};
    if (jobs_.empty()) return std::nullopt;
    const auto first = jobs_.front();
    std::erase(jobs_, first);
    return first;
  }

 private:
  int take_workers() {
    int by = 0;
    for (const auto& job : jobs_) by += job.by;
    std::erase_if(jobs_, [](const Job& job) { return job.kind == Job::Kind::kScale; });
    return by;
  }

  std::vector<Job> jobs_;
};

Job random_request(Dice& dice) {
  switch (dice.below(4)) {
    case 0: return {.kind = Job::Kind::kUpgrade};
    case 1: return {.kind = Job::Kind::kReload};
    case 2: return {.kind = Job::Kind::kScale, .by = static_cast<int>(dice.below(5)) - 2};
    default:
      return {.kind = Job::Kind::kRestart,
              .slot = static_cast<unsigned>(dice.below(3)),
              .worker = static_cast<pid_t>(dice.between(10, 12))};
  }
}

TEST(AgendaWalk, RequestsMergeAndNoneIsLost) {
  take_walks(1000, [](Dice dice) {
    Agenda agenda;
    Requests requests;
    for (std::size_t step = 0; step < 1000; ++step) {
      if (dice.once_in(4)) {
        ASSERT_EQ(agenda.next(), requests.next()) << step;
        continue;
      }
      const auto job = random_request(dice);
      agenda.ask_for(job);
      requests.add(job);
    }
    while (const auto job = requests.next()) ASSERT_EQ(agenda.next(), job);
    ASSERT_EQ(agenda.next(), std::nullopt);
  });
}

TEST(AgendaWalk, WhoeverWaitsIsWithOneJobThatIsDone) {
  take_walks(300, [](Dice dice) {
    Agenda agenda;
    std::vector<Ticket> asked;
    std::vector<Ticket> done;
    for (Ticket ticket = 1; ticket < 300; ++ticket) {
      auto job = random_request(dice);
      if (job.kind == Job::Kind::kScale) job.workers = static_cast<unsigned>(dice.between(1, 3));
      job.waiting = {ticket};
      agenda.ask_for(job);
      asked.push_back(ticket);
      if (dice.once_in(3)) agenda.ask_for(random_request(dice));
      if (!dice.once_in(2)) continue;
      const auto next = agenda.next();
      done.insert(done.end(), next->waiting.begin(), next->waiting.end());
    }
    while (const auto next = agenda.next())
      done.insert(done.end(), next->waiting.begin(), next->waiting.end());
    std::sort(done.begin(), done.end());
    ASSERT_EQ(done, asked);
  });
}

}  // namespace
}  // namespace tcp_echo::test
