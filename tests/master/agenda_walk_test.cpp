// Random requests against the agenda: they merge, none is lost, and the order holds.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <vector>

#include "support/dice.hpp"
#include "tcp_echo/master/agenda.hpp"

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

void ask(Agenda& agenda, const Job& job) {
  switch (job.kind) {
    case Job::Kind::kUpgrade: return agenda.ask_for_upgrade();
    case Job::Kind::kReload: return agenda.ask_for_reload();
    case Job::Kind::kScale: return agenda.ask_for_workers(job.by);
    case Job::Kind::kRestart: return agenda.ask_for_restart(job.slot, job.worker);
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
      ask(agenda, job);
      requests.add(job);
    }
    while (const auto job = requests.next()) ASSERT_EQ(agenda.next(), job);
    ASSERT_EQ(agenda.next(), std::nullopt);
  });
}

}  // namespace
}  // namespace tcp_echo::test
