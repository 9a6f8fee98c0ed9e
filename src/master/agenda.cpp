#include "tcp_echo/master/agenda.hpp"

#include <algorithm>
#include <utility>

namespace tcp_echo {

void Agenda::ask_for_restart(unsigned slot, pid_t worker) {
  const Job job{Job::Kind::kRestart, 0, slot, worker};
  if (std::find(restarts_.begin(), restarts_.end(), job) == restarts_.end()) restarts_.push_back(job);
}

std::optional<Job> Agenda::next() {
  if (std::exchange(upgrade_, false)) return Job{.kind = Job::Kind::kUpgrade};
  if (std::exchange(reload_, false)) return Job{.kind = Job::Kind::kReload};
  if (by_ != 0) return Job{.kind = Job::Kind::kScale, .by = std::exchange(by_, 0)};
  if (restarts_.empty()) return std::nullopt;
  const auto job = restarts_.front();
  restarts_.pop_front();
  return job;
}

}  // namespace tcp_echo
