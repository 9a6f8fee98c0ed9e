// What the workers of the small world do.
#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

#include "fleet/small_world.hpp"

namespace tcp_echo::test {

Result<std::unique_ptr<Lifeline>> SmallWorld::start(const ChildRole& role, unsigned number,
                                                    const std::vector<int>& listeners, Lifeline::Ear& ear) {
  const auto slot = number - 1;
  if (is_over_) complain("a worker is started after the end");
  if (through_.contains(slot) && !has_lost_someone_in_the_end_ && !clients_may_wait())
    complain("worker " + std::to_string(number) + " is started again, and no client waits");
  if (goes_wrong(8)) {
    note("worker " + std::to_string(number) + " cannot be started");
    if (drained_at_) tried_in_the_end_.insert(slot);
    empty_[slot].reset();
    nobody_comes_.reset();
    return failure(ExitCode::kOsError, "as chance wants");
  }
  const auto place = is_moving_in_ ? FakeWorker::Place::kCandidate : FakeWorker::Place::kHolder;
  for (const auto& other : workers_) {
    if (other->slot() == slot && other->place == place) complain(other->name() + " gets a rival");
  }
  auto lifeline = launcher_.start(role, number, listeners, ear);
  workers_.push_back(std::make_unique<FakeWorker>(launcher_.last(), slot, listeners, place));
  auto& worker = *workers_.back();
  worker.is_of_the_end = drained_at_.has_value();
  worker.be_out_of_reach(goes_wrong(20));
  note(worker.name() + " is started");
  return lifeline;
}

std::unique_ptr<Lifeline> SmallWorld::adopt(const ChildRecord& record, Lifeline::Ear& ear) {
  return launcher_.adopt(record, ear);
}

FakeWorker* SmallWorld::in_place(unsigned slot) {
  for (const auto& worker : workers_) {
    if (worker->slot() == slot && worker->place == FakeWorker::Place::kHolder) return worker.get();
  }
  return nullptr;
}

void SmallWorld::something_happens_to_a_worker() {
  if (workers_.empty()) return;
  auto& worker = *workers_[dice_.below(workers_.size())];
  if (worker.is_condemned()) {
    if (!dice_.once_in(3))
      die(worker);  // later, and it may have said more before
    else if (!worker.stands_still && worker.next_unheard() != nullptr)
      hear_next(worker);
  } else if (worker.stands_still) {
    if (dice_.once_in(6)) {
      note(worker.name() + " turns again");
      turn_again(worker);
    }
  } else if (goes_wrong(10)) {
    something_bad_happens_to(worker);
  } else {
    worker.be_out_of_reach(worker.is_out_of_reach && !dice_.once_in(3));
    worker.next_unheard() != nullptr ? hear_next(worker) : finish_something(worker);
  }
  check();
}

/// Its heartbeat is overdue, so that comes first.
void SmallWorld::turn_again(FakeWorker& worker) {
  worker.stand_still(false, false);
  beat(worker);
}

void SmallWorld::beat(const FakeWorker& worker) {
  if (worker.is_ready) ground_.scoreboard.block(*worker.block).heartbeats.add(1);
}

void SmallWorld::something_bad_happens_to(FakeWorker& worker) {
  switch (dice_.below(8)) {
    case 0:
    case 1: return die(worker);
    case 2:
    case 3:
      worker.stand_still(true, dice_.once_in(2));
      return note(worker.name() +
                  (worker.is_deaf ? " stands still, and its channel is full" : " stands still"));
    case 4: worker.be_out_of_reach(true); return note(worker.name() + " cannot be sent descriptors");
    case 5:
      if (dice_.once_in(2)) return;
      note(worker.name() + " speaks another protocol version");
      worker.is_foreign = worker.has_misbehaved = true;
      return worker.process().speak_another_version();
    case 6:
      if (dice_.once_in(2)) return;
      note(worker.name() + " speaks nonsense");
      worker.has_misbehaved = true;
      if (worker.place == FakeWorker::Place::kFormer || dice_.once_in(2))
        return worker.process().speak_nonsense();
      return worker.process().say(StrandedMessage{});  // that never had a successor
    default:                                           // a signal from outside
      if (worker.is_foreign) return;
      if (worker.handle(WorkerEvent::kLeaveAsked) == WorkerAction::kAskForSuccessor)
        say(worker, LeavingMessage{});
  }
}

void SmallWorld::die(FakeWorker& worker) {
  constexpr std::array kCodes = {0, 1, 70, 75};
  constexpr std::array kSignals = {SIGSEGV, SIGBUS, SIGTERM, SIGKILL};
  if (worker.process().was_sent(SIGKILL)) return end(worker, {.signal = SIGKILL});
  if (worker.process().was_sent(SIGABRT)) return end(worker, {.signal = SIGABRT});
  if (dice_.once_in(2)) return end(worker, {.code = dice_.one_of(kCodes)});
  end(worker, {.signal = dice_.one_of(kSignals)});
}

/// SIGKILL does its work at once, or a moment later.
void SmallWorld::bury_the_killed(bool a_moment_passes) {
  for (std::size_t i = workers_.size(); i > 0; --i) {
    if (i > workers_.size()) continue;  // others have ended meanwhile
    auto& worker = *workers_[i - 1];
    if (!worker.process().was_sent(SIGKILL)) continue;
    if (std::exchange(worker.is_slow_to_die, true) || a_moment_passes || !dice_.once_in(3)) die(worker);
  }
}

/// Who has lost his place may empty queues as well, but that is not what the fleet counts on.
bool SmallWorld::can_be_heard(const FakeWorker& worker) {
  return !worker.is_foreign && worker.place == FakeWorker::Place::kHolder;
}

void SmallWorld::end(FakeWorker& worker, const ExitStatus& status) {
  note(worker.name() + " " + status.text());
  const bool has_told_so = worker.has_emptied && can_be_heard(worker);
  if (worker.is_of_the_end) tried_in_the_end_.insert(worker.slot());
  if (has_told_so) through_.insert(worker.slot());
  if (drained_at_ && worker.place == FakeWorker::Place::kHolder && !has_told_so)
    has_lost_someone_in_the_end_ = true;
  auto& process = worker.process();
  std::erase_if(workers_, [&worker](const auto& each) { return each.get() == &worker; });
  nobody_comes_.reset();
  status.signal != 0 ? process.die_from(status.signal) : process.exit_with(status.code);
}

void SmallWorld::say(FakeWorker& worker, const ToMaster& message) {
  note(worker.name() + " says " + text_of(widened(message)));
  if (!worker.is_foreign) worker.process().say(message);
}

void SmallWorld::hear_next(FakeWorker& worker) {
  const auto message = worker.next_unheard()->message;
  const auto* const lend = std::get_if<LendMessage>(&message);
  if (lend != nullptr && worker.duties().serves() && goes_wrong(6)) {
    worker.refuse_next();
    worker.refused_at = clock_.now();
    return say(worker, RefuseLoanMessage{lend->slot});
  }
  const auto* const clear = std::get_if<ClearMessage>(&message);
  if (clear != nullptr && goes_wrong(3)) {
    worker.refuse_next();
    return say(worker, RefuseClearMessage{clear->number});
  }
  if (clear != nullptr) worker.has_emptied = false;
  if (std::holds_alternative<SuccessorMessage>(message)) worker.is_stranded = false;
  if (worker.hear_next() != WorkerAction::kServe) return;
  worker.is_ready = true;
  beat(worker);
  say(worker, ReadyMessage{});
}

/// It has heard all that it was told.
void SmallWorld::finish_something(FakeWorker& worker) {
  const bool is_new = worker.duties().phase == WorkerPhase::kConfiguring;
  if (worker.is_foreign && (is_new || worker.duties().serves())) {  // it sees the end of its channel
    note(worker.name() + " accepts no more");
    worker.handle(WorkerEvent::kAbandoned);
    return;
  }
  if (!worker.is_foreign && !worker.duties().clearings.empty()) return clear_one(worker);
  switch (worker.duties().phase) {
    case WorkerPhase::kConfiguring:
    case WorkerPhase::kServing:
    case WorkerPhase::kAsking: return;
    case WorkerPhase::kMoving:
      if (worker.is_stranded) return;
      if (worker.is_foreign || !goes_wrong(3)) return end(worker, {});
      worker.is_stranded = true;
      return say(worker, StrandedMessage{});
    case WorkerPhase::kDraining: return worker.has_emptied ? end(worker, {}) : empty_queues(worker);
    case WorkerPhase::kRetiring:
    case WorkerPhase::kLeaving: return end(worker, {});
  }
}

void SmallWorld::clear_one(FakeWorker& worker) {
  const auto [number, listeners] = *worker.duties().clearings.begin();
  note_emptied(listeners);
  worker.forget_clearing(number);
  say(worker, ClearedMessage{number});
}

void SmallWorld::note_emptied(const std::vector<int>& listeners) {
  for (const auto listener : listeners) {
    if (const auto queue = queues_.find(listener); queue != queues_.end())
      queue->second.clients_may_wait = false;
  }
}

void SmallWorld::empty_queues(FakeWorker& worker) {
  worker.has_emptied = true;
  if (can_be_heard(worker)) {
    for (const auto& [slot, listeners] : worker.duties().desks) note_emptied(listeners);
  }
  say(worker, EmptiedMessage{});
}

}  // namespace tcp_echo::test
