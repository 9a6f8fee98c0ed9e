// What has to be so in the small world, whatever happens. Nobody looks into the fleet for it: what counts is
// what the workers were told, and how long that took.
#include <algorithm>
#include <csignal>
#include <utility>

#include "fleet/small_world.hpp"
#include "tcp_echo/ipc/heartbeat.hpp"
#include "tcp_echo/loop/deadline.hpp"
#include "tcp_echo/process/patience.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

// Time passes by pieces, and what changes within one is seen at its end.
constexpr auto kPiece = 300ms;

// As lending.cpp and slot.cpp say: when another one is to accept, when that is tried again, and how long one
// that has refused is left alone.
constexpr auto kLendAfter = 200ms + kSecondLook;
constexpr auto kLoanRetry = 200ms;
constexpr auto kRefusalHolds = 1s;

// A block is taken whose worker has died, if there is one; some may have died since this one was started.
constexpr std::size_t kRoom = 10;

// As clearings.cpp says.
constexpr auto kClearRetry = 100ms;

// As leaver.cpp says: how soon a successor is looked for again, at most.
constexpr auto kSuccessorRetry = 1s;

// As page.cpp says.
constexpr auto kLongestClearing = 10s;

}  // namespace

void SmallWorld::check() {
  for (const auto& worker : workers_) note_told(*worker);
  check_queues();
  for (const auto& worker : workers_) check_worker(*worker);
  if (is_over_) return;
  for (unsigned slot = 0; slot < most_ever_; ++slot) check_slot(slot);
  if (drained_at_ || stopped_at_) return;
  for (unsigned slot = 0; slot < most_ever_; ++slot) check_service(slot);
  check_respawn();
}

void SmallWorld::note_told(FakeWorker& worker) {
  for (const auto& [message, descriptors] : worker.note_told()) {
    if (!std::holds_alternative<PredecessorMessage>(message))
      note(worker.name() + " is told " + text_of(widened(message)));
    const auto* const configure = std::get_if<ConfigureMessage>(&message);
    if (configure == nullptr) continue;
    for (const auto& other : workers_) {
      if (other->block == configure->block) complain(worker.name() + " shares a block with " + other->name());
    }
    worker.block = configure->block;
    if (configure->block >= workers_.size() + kRoom) complain("the blocks of the dead are not used again");
  }
}

/// A listener is closed once its address is removed and nobody waits there any more, or for too long.
void SmallWorld::check_queues() {
  for (auto& [listener, queue] : queues_) check_queue(listener, queue);
  std::erase_if(queues_, [](const auto& entry) { return entry.second.socket.expired(); });
}

std::string SmallWorld::name_of(int listener) const {
  auto number = "listener " + std::to_string(listener);
  for (unsigned slot = 0; slot < most_ever_; ++slot) {
    const auto listeners = generation_->listeners.of_slot(slot);
    if (std::find(listeners.begin(), listeners.end(), listener) != listeners.end())
      return number + " of worker " + std::to_string(slot + 1);
  }
  return number;
}

void SmallWorld::check_queue(int listener, Queue& queue) {
  if (!queue.is_in_service) return;
  const auto name = name_of(listener);
  const auto longest = std::min<Time>(config().shutdown_timeout, kLongestClearing);
  const bool is_overdue = queue.removed_at && clock_.now() - *queue.removed_at >= longest;
  if (queue.socket.expired()) {
    if (!queue.removed_at) complain(name + " is closed, and in service");
    if (queue.clients_may_wait && !is_overdue) complain(name + " is closed, and clients may wait there");
    return;
  }
  if (is_overdue && clock_.now() - *queue.removed_at > longest + kPiece)
    complain(name + " is open for too long");
  const bool has_time =
      !stopped_at_ && (!drained_at_ || clock_.now() < *drained_at_ + config().shutdown_timeout);
  const bool is_neglected = queue.clients_may_wait && has_time && !is_over_ && !anyone_attends_to(listener) &&
                            !anyone_cannot_be_told() && anyone_can_begin_to_empty();
  if (queue.neglected.exceeds(is_neglected, clock_.now(), kClearRetry + kPiece))
    complain("nobody takes the clients that wait at " + name);
}

/// Or was to do so, and leaves instead: the fleet hears of that by its end.
bool SmallWorld::anyone_attends_to(int listener) const {
  const auto has = [listener](const auto& listeners) {
    return std::find(listeners.second.begin(), listeners.second.end(), listener) != listeners.second.end();
  };
  return std::any_of(workers_.begin(), workers_.end(), [&](const auto& worker) {
    const auto& outlook = worker->outlook();
    const bool counts = worker->place == FakeWorker::Place::kHolder && !worker->has_emptied;
    const bool leaves = outlook.phase == WorkerPhase::kLeaving;
    if (counts && (leaves || std::any_of(outlook.desks.begin(), outlook.desks.end(), has))) return true;
    return std::any_of(outlook.clearings.begin(), outlook.clearings.end(), has);
  });
}

/// One that serves can be told; once the service ends one that is started, one at a time.
bool SmallWorld::anyone_can_begin_to_empty() const {
  if (!drained_at_) {
    return std::any_of(workers_.begin(), workers_.end(), [](const auto& worker) { return worker->serves(); });
  }
  const auto is_starting = [](const auto& worker) { return worker->is_of_the_end && !worker->is_ready; };
  if (std::any_of(workers_.begin(), workers_.end(), is_starting)) return false;
  for (unsigned slot = 0; slot < most_ever_; ++slot) {
    const bool is_gone = std::none_of(workers_.begin(), workers_.end(), [slot](const auto& worker) {
      return worker->slot() == slot && worker->place == FakeWorker::Place::kHolder;
    });
    if (is_gone && !tried_in_the_end_.contains(slot)) return true;
  }
  return false;
}

/// Who can be told has been told.
void SmallWorld::check_that_all_drain() {
  for (const auto& worker : workers_) {
    const auto& process = worker->process();
    const bool can_be_told =
        !worker->is_condemned() && !worker->is_unwanted && !worker->is_foreign && !worker->is_deaf;
    if (can_be_told && !process.was_told<DrainMessage>() && !process.was_told<StopMessage>())
      complain(worker->name() + " is not told to drain");
  }
}

void SmallWorld::check_worker(FakeWorker& worker) {
  const auto now = clock_.now();
  const auto interval = heartbeat_interval(config().watchdog);
  const bool was_told_to_stop = worker.process().was_told<StopMessage>();
  if (worker.is_condemned() && !std::exchange(worker.is_judged, true) && worker.is_ready &&
      !worker.has_misbehaved && !was_told_to_stop)
    complain(worker.name() + " is killed for nothing");
  const bool lives_on = !worker.is_condemned() && !was_told_to_stop;
  const bool leaves = worker.outlook().phase == WorkerPhase::kLeaving;
  const bool ends_anyhow = leaves || (drained_at_ && worker.place == FakeWorker::Place::kFormer);
  if (worker.unready.exceeds(!worker.is_ready && lives_on && !ends_anyhow, now,
                             config().ready_timeout + kSecondLook + kPatience + kPiece))
    complain(worker.name() + " is late, and nobody kills it");
  const bool is_watched = worker.is_ready && worker.place != FakeWorker::Place::kCandidate;
  if (worker.hung.exceeds(config().watchdog > 0s && worker.stands_still && is_watched && lives_on, now,
                          config().watchdog + 3 * interval + kPiece))
    complain(worker.name() + " stands still, and nobody kills it");
  const bool has_to_leave = worker.place == FakeWorker::Place::kFormer && worker.outlook().serves() &&
                            lives_on && !worker.is_foreign;
  if (worker.left_alone.exceeds(has_to_leave && fleet_.ready_count() > 0 && !anyone_cannot_be_told(), now,
                                kSuccessorRetry + kPiece))
    complain(worker.name() + " has lost its place, and nobody tells it");
  check_end_of(worker);
}

/// Who was told to end, and does not, is killed.
void SmallWorld::check_end_of(FakeWorker& worker) {
  const auto now = clock_.now();
  const auto& process = worker.process();
  const bool was_killed = process.was_sent(SIGKILL);
  if (worker.aborted.exceeds(process.was_sent(SIGABRT) && !was_killed, now,
                             2 * kPatienceAfterAbort + kPiece))  // it may lose its place meanwhile
    complain(worker.name() + " outlives its SIGABRT");
  if (worker.told_to_stop.exceeds(process.was_told<StopMessage>() && !was_killed, now,
                                  kPatienceAfterAbort + kPiece))
    complain(worker.name() + " outlives STOP");
  if (stopped_at_ && !was_killed && now - *stopped_at_ > kPatienceAfterAbort + kPatience + kPiece)
    complain(worker.name() + " outlives the stop");
}

void SmallWorld::check_slot(unsigned slot) {
  const auto* const worker = in_place(slot);
  const auto pid = worker == nullptr ? 0 : worker->process().pid();
  if (fleet_.worker_of(slot) != pid)
    complain("the fleet takes " + std::to_string(fleet_.worker_of(slot)) + " for worker " +
             std::to_string(slot + 1) + ", and that is " + std::to_string(pid));
}

std::size_t SmallWorld::acceptors_of(int listener) const {
  return static_cast<std::size_t>(
      std::count_if(workers_.begin(), workers_.end(), [listener](const auto& worker) {
        return worker->serves() && !worker->is_foreign && worker->outlook().accepts_from(listener);
      }));
}

bool SmallWorld::anyone_cannot_be_told() const {
  return std::any_of(workers_.begin(), workers_.end(), [](const auto& worker) {
    return worker->is_deaf || worker->is_out_of_reach || worker->is_foreign;
  });
}

bool SmallWorld::anyone_refused_lately() const {
  return std::any_of(workers_.begin(), workers_.end(), [this](const auto& worker) {
    return worker->refused_at && clock_.now() - *worker->refused_at < kRefusalHolds;
  });
}

/// One accepts for the slot, or will soon. Unless its own worker is about to be replaced, being foreign, or
/// about to die.
void SmallWorld::check_service(unsigned slot) {
  const auto listeners = generation_->listeners.of_slot(slot);
  const bool is_served = std::all_of(listeners.begin(), listeners.end(),
                                     [this](int listener) { return acceptors_of(listener) > 0; });
  const bool is_served_twice = std::any_of(listeners.begin(), listeners.end(),
                                           [this](int listener) { return acceptors_of(listener) > 1; });
  const auto name = "worker " + std::to_string(slot + 1);
  const auto* const own = in_place(slot);
  const bool can_be_lent = std::any_of(workers_.begin(), workers_.end(), [slot](const auto& worker) {
    return worker->slot() != slot && worker->serves() && !worker->is_foreign;
  });
  const bool is_left_to_its_own = own != nullptr && (own->is_foreign || own->process().was_sent(SIGKILL));
  const bool needs_loan = !is_served && can_be_lent && !is_left_to_its_own && !anyone_cannot_be_told() &&
                          !anyone_refused_lately();
  if (unserved_[slot].exceeds(needs_loan, clock_.now(), kLendAfter + kLoanRetry + kPiece))
    complain("nobody accepts for " + name);
  if (served_twice_[slot].exceeds(is_served_twice && !anyone_cannot_be_told(), clock_.now(),
                                  kLoanRetry + kPiece))
    complain("two accept for " + name);
}

/// A slot that is to serve has a process, or gets one.
void SmallWorld::check_respawn() {
  bool a_slot_waits = false;
  for (unsigned slot = 0; slot < wanted_; ++slot) {
    const bool is_empty = in_place(slot) == nullptr;
    a_slot_waits |= is_empty;
    if (empty_[slot].exceeds(is_empty, clock_.now(), config().respawn_delay_max + kPiece))
      complain("worker " + std::to_string(slot + 1) + " is not started again");
  }
  const bool a_worker_serves = std::any_of(workers_.begin(), workers_.end(), [](const auto& worker) {
    return worker->serves() || (worker->is_foreign && worker->place == FakeWorker::Place::kHolder);
  });
  if (nobody_comes_.exceeds(a_slot_waits && !a_worker_serves, clock_.now(),
                            config().respawn_delay_min + kPiece))
    complain("nobody serves, and nobody is started");
}

}  // namespace tcp_echo::test
