#include "tcp_echo/jobs/agenda.hpp"

#include <algorithm>
#include <utility>

namespace tcp_echo {
namespace {

void wait_as_well(Job& job, const Job& same) {
  job.waiting.insert(job.waiting.end(), same.waiting.begin(), same.waiting.end());
}

void merge(std::optional<Job>& place, Job job) {
  if (place) return wait_as_well(*place, job);
  place = std::move(job);
}

constexpr std::size_t kMostScalings = 32;

bool changes_nothing(const Job& scaling) {
  return !scaling.workers && scaling.by == 0 && scaling.waiting.empty();
}

}  // namespace

void Agenda::ask_for(Job job) {
  switch (job.kind) {
    case Job::Kind::kUpgrade: return merge(upgrade_, std::move(job));
    case Job::Kind::kReload: return merge(reload_, std::move(job));
    case Job::Kind::kScale: return add_scaling(std::move(job));
    case Job::Kind::kRestart: break;
  }
  const auto same = std::find_if(restarts_.begin(), restarts_.end(), [&job](const Job& each) {
    return each.slot == job.slot && each.worker == job.worker;
  });
  if (same == restarts_.end()) return restarts_.push_back(std::move(job));
  same->is_tried_until_done |= job.is_tried_until_done;
  wait_as_well(*same, job);
}

/// "One more" adds to what was asked for last. "To four" stands for itself: whoever asked for five before it
/// is told when there are five. But clients may ask and go away: beyond so many only the last one counts.
void Agenda::add_scaling(Job job) {
  if (job.workers && scalings_.size() >= kMostScalings) {
    wait_as_well(job, scalings_.back());
    scalings_.back() = std::move(job);
  } else if (scalings_.empty() || job.workers) {
    scalings_.push_back(std::move(job));
  } else {
    scalings_.back().by += job.by;
    wait_as_well(scalings_.back(), job);
  }
  if (changes_nothing(scalings_.back())) scalings_.pop_back();
}

std::optional<Job> Agenda::next() {
  if (upgrade_) return std::exchange(upgrade_, std::nullopt);
  if (reload_) return std::exchange(reload_, std::nullopt);
  auto& queue = scalings_.empty() ? restarts_ : scalings_;
  if (queue.empty()) return std::nullopt;
  auto job = std::move(queue.front());
  queue.pop_front();
  return job;
}

std::vector<Job> Agenda::jobs() const {
  std::vector<Job> all;
  all.reserve(2 + scalings_.size() + restarts_.size());
  if (upgrade_) all.push_back(*upgrade_);
  if (reload_) all.push_back(*reload_);
  all.insert(all.end(), scalings_.begin(), scalings_.end());
  all.insert(all.end(), restarts_.begin(), restarts_.end());
  return all;
}

}  // namespace tcp_echo
