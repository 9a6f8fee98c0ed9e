// What the master makes of what its operator wants, as in master_jobs.cpp.
#include <algorithm>
#include <numeric>
#include <utility>

#include "fleet/small_world.hpp"
#include "support/sockets.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

std::vector<unsigned> slots_between(unsigned first, unsigned end) {
  std::vector<unsigned> slots(end - std::min(first, end));
  std::iota(slots.begin(), slots.end(), first);
  return slots;
}

}  // namespace

void SmallWorld::begin_next() {
  if (!is_up_ || drained_at_ || stopped_at_ || movements_under_way_ > 0 || fleet_.is_moving()) return;
  if (const auto job = agenda_.next()) begin(*job);
  check();
}

void SmallWorld::begin(const Job& job) {
  switch (job.kind) {
    case Job::Kind::kUpgrade: return;
    case Job::Kind::kReload: return reload();
    case Job::Kind::kScale: return scale(job.by);
    case Job::Kind::kRestart: return restart(job);
  }
}

void SmallWorld::reload() {
  auto config = generation_->config;
  if (dice_.once_in(2)) {
    config.listen = {endpoint("127.0.0.1:0")};
    if (dice_.once_in(2)) config.listen.push_back(endpoint("127.0.0.2:0"));
    if (dice_.once_in(4)) config.listen.erase(config.listen.begin());
    if (config.listen.empty()) config.listen = {endpoint("127.0.0.3:0")};
  }
  const auto workers = static_cast<unsigned>(dice_.between(1, kMostSmallWorkers));
  note("a reload, to " + std::to_string(workers) + " workers at " + std::to_string(config.listen.size()) +
       " addresses");
  auto listeners = value_or_throw(generation_->listeners.changed_to(config, workers));
  move(std::make_shared<const Generation>(
           Generation{generation_->number + 1, std::move(config), std::move(listeners)}),
       workers, slots_between(0, workers), [](bool) {});
}

void SmallWorld::scale(int by) {
  const auto workers = static_cast<unsigned>(
      std::clamp(static_cast<int>(wanted_) + by, 1, static_cast<int>(kMostSmallWorkers)));
  if (workers == wanted_) return;
  note("scaled to " + std::to_string(workers) + " workers");
  auto listeners = value_or_throw(generation_->listeners.grown_to(config(), workers));
  move(std::make_shared<const Generation>(Generation{generation_->number, config(), std::move(listeners)}),
       workers, slots_between(wanted_, workers), [](bool) {});
}

void SmallWorld::restart(const Job& job) {
  if (fleet_.worker_of(job.slot) != job.worker) return;
  note("worker " + std::to_string(job.slot + 1) + " is to get a successor");
  move(generation_, wanted_, {job.slot}, [this, job](bool done) {
    if (done) return;
    failed_restarts_.push_back(job);
    retry_.start(300ms);
  });
}

void SmallWorld::retry_restarts() {
  for (const auto& job : std::exchange(failed_restarts_, {})) agenda_.ask_for(job);
}

void SmallWorld::move(const std::shared_ptr<const Generation>& generation, unsigned workers,
                      const std::vector<unsigned>& renewed, std::function<void(bool)> then) {
  learn_of(generation->listeners);
  most_ever_ = std::max(most_ever_, workers);
  ++movements_under_way_;
  const auto is_over = std::make_shared<bool>(false);
  is_moving_in_ = true;
  fleet_.move({.generation = generation,
               .workers = workers,
               .renewed = renewed,
               .before_change = [this, generation]() -> Result<void> {
                 if (goes_wrong(6)) return failure(ExitCode::kOsError, "as chance wants");
                 fleet_.change_log(1, LogLevel::kInfo);
                 return generation->listeners.begin_to_listen(generation->config);
               },
               .on_done =
                   [=, this, then = std::move(then)](const Result<void>& done) {
                     if (std::exchange(*is_over, true)) return complain("a movement ends twice");
                     --movements_under_way_;
                     note(done ? "it has changed" : "it does not change: " + done.error().text);
                     take_up(done ? generation : nullptr, workers, renewed);
                     then(done.has_value());
                   }});
  is_moving_in_ = false;
}

/// No generation: everything is as before, and candidates are not wanted any more.
void SmallWorld::take_up(const std::shared_ptr<const Generation>& generation, unsigned workers,
                         const std::vector<unsigned>& renewed) {
  for (const auto& worker : workers_) {
    const bool is_candidate = worker->place == FakeWorker::Place::kCandidate;
    const bool is_renewed = std::find(renewed.begin(), renewed.end(), worker->slot()) != renewed.end();
    if (generation == nullptr) {
      worker->is_unwanted |= is_candidate;
      if (is_candidate) worker->place = FakeWorker::Place::kFormer;
      continue;
    }
    worker->hung.reset();
    if (is_candidate) {
      worker->place = FakeWorker::Place::kHolder;
    } else if (is_renewed || worker->slot() >= workers) {
      worker->unready.reset();
      worker->place = FakeWorker::Place::kFormer;
    }
  }
  if (generation == nullptr) return;
  for (const auto& address : generation_->listeners.without(generation->listeners)) {
    for (const auto& socket : address.by_slot) {
      if (socket == nullptr) continue;
      queues_.at(socket->get()).removed_at = clock_.now();
      queues_.at(socket->get()).clients_may_wait = true;
    }
  }
  for (const auto& address : generation->listeners.addresses()) {
    for (const auto& socket : address.by_slot) {
      if (socket != nullptr) queues_.at(socket->get()).is_in_service = true;
    }
  }
  generation_ = generation;
  wanted_ = workers;
}

/// Descriptors that were closed meanwhile may be in use again.
void SmallWorld::learn_of(const ListenerSet& listeners) {
  check_queues();
  for (const auto& address : listeners.addresses()) {
    for (const auto& socket : address.by_slot) {
      if (socket != nullptr && !queues_.contains(socket->get())) queues_[socket->get()].socket = socket;
    }
  }
}

}  // namespace tcp_echo::test
