#include "fleet/small_world.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostWorkers = 5;
constexpr std::size_t kLongestHistory = 40;
// So many rounds in which every process and every timer has its turn are enough for anything to end.
constexpr int kEnoughRounds = 60;

bool has_process(SlotState state) {
  switch (state) {
    case SlotState::kEmpty:
    case SlotState::kWaiting:
    case SlotState::kRetired:
    case SlotState::kGone:
    case SlotState::kSpent: return false;
    case SlotState::kStarting:
    case SlotState::kServing:
    case SlotState::kHung:
    case SlotState::kEmptying:
    case SlotState::kEmptyingAgain:
    case SlotState::kStopping: return true;
  }
  return false;
}

}  // namespace

SmallWorld::SmallWorld(Dice dice)
    : dice_(dice), slots_(dice_.between(1, kMostWorkers)), workers_(slots_.size()), loans_(slots_.size()) {
  for (std::size_t i = 0; i < slots_.size(); ++i) handle(i, SlotEvent::kStart);
}

std::string SmallWorld::history() const {
  std::string text;
  for (const auto& line : history_) text += line + "\n";
  return text;
}

void SmallWorld::note(const std::string& what, std::size_t index) {
  history_.push_back("worker " + std::to_string(index + 1) + " (" +
                     std::string(name_of(slots_[index].state)) + "): " + what);
  if (history_.size() > kLongestHistory) history_.pop_front();
}

void SmallWorld::complain(const std::string& what) {
  if (complaint_.empty()) complaint_ = what;
}

// ---- what happens from outside

void SmallWorld::step() {
  now_ += std::chrono::milliseconds(dice_.once_in(50) ? 20'000 : dice_.below(300));
  switch (dice_.below(10)) {
    case 0: somebody_wants_something(); break;
    case 1:
    case 2: begin_next(); break;
    case 3:
    case 4: something_happens_to_the_movement(); break;
    case 5:
      if (!leavers_.empty() && anyone_serves()) leavers_.erase(leavers_.begin());
      deliver_a_refusal();
      break;
    case 6:
      if (std::exchange(loan_retry_, false)) settle_loans();
      break;
    default: something_happens_to_a_slot();
  }
  check();
}

void SmallWorld::something_happens_to_a_slot() {
  const auto index = dice_.below(slots_.size());
  if (slots_[index].worker && dice_.once_in(2)) return something_happens_to_a_process(index);
  a_timer_rings(index);
}

void SmallWorld::something_happens_to_a_process(std::size_t index) {
  auto& slot = slots_[index];
  auto& worker = *slot.worker;
  if (worker.is_condemned) return lose(index);
  switch (dice_.below(8)) {
    case 0:
      if (goes_wrong(2)) lose(index);
      return;
    case 1: worker.stands_still = goes_wrong(2); return;
    case 2: return watch_over(index);
    case 3:
      if (worker.is_ready && !worker.has_to_end) handle(index, SlotEvent::kLeaving);
      return;
    default: return become_ready(index);
  }
}

/// Its process is gone.
void SmallWorld::lose(std::size_t index) {
  auto& slot = slots_[index];
  note("its process ends", index);
  slot.served_for = slot.worker->is_ready ? now_ - slot.worker->ready_at : 0ms;
  slot.worker.reset();
  slot.late = slot.patience = false;
  handle(index, SlotEvent::kFailed);
}

void SmallWorld::become_ready(std::size_t index) {
  auto& slot = slots_[index];
  auto& worker = *slot.worker;
  if (worker.is_ready || worker.stands_still || slot.state == SlotState::kHung) return;
  worker.is_ready = true;
  worker.ready_at = now_;
  slot.late = false;
  handle(index, SlotEvent::kReady);
}

void SmallWorld::watch_over(std::size_t index) {
  const auto& worker = *slots_[index].worker;
  if (worker.is_ready && worker.stands_still) handle(index, SlotEvent::kHung);
}

void SmallWorld::a_timer_rings(std::size_t index) {
  auto& slot = slots_[index];
  if (dice_.once_in(2) && std::exchange(slot.late, false)) return handle(index, SlotEvent::kLate);
  if (std::exchange(slot.delay, false)) return handle(index, SlotEvent::kDelayOver);
  if (std::exchange(slot.patience, false)) return handle(index, SlotEvent::kPatienceOver);
  if (!std::exchange(slot.unserved, false)) return;
  slot.needs_borrower = true;
  settle_loans();
}

void SmallWorld::somebody_wants_something() {
  switch (dice_.below(3)) {
    case 0: return agenda_.ask_for_reload();
    case 1: return agenda_.ask_for_workers(1);
    default: return agenda_.ask_for_workers(-1);
  }
}

void SmallWorld::something_happens_to_the_movement() {
  if (!movement_) return;
  const auto index = dice_.one_of(movement_->renewed);
  if (goes_wrong(20)) return fail_movement();  // it dies, or is late
  slots_[index].candidate->is_ready = true;
  const bool all_are_ready = std::all_of(slots_.begin(), slots_.end(), [](const Slot& slot) {
    return !slot.candidate || slot.candidate->is_ready;
  });
  if (all_are_ready) change();
}

void SmallWorld::deliver_a_refusal() {
  if (refusals_.empty()) return;
  const auto refusal = refusals_.front();
  refusals_.erase(refusals_.begin());
  auto& slot = slots_[refusal.borrower];
  if (!slot.worker || slot.worker->pid != refusal.pid) return;  // it has lost its place
  if (loans_.borrower_of(refusal.lender) != refusal.borrower) return;
  note("refuses to accept for worker " + std::to_string(refusal.lender + 1), refusal.borrower);
  slot.worker->borrowed.erase(refusal.lender);  // it is told TAKE BACK, for this may be another loan
  slot.may_borrow_from = now_ + 1s;
  loans_.set_borrower(refusal.lender, std::nullopt);
  settle_loans();
}

// ---- what Fleet makes of the decisions

void SmallWorld::handle(std::size_t index, SlotEvent event) {
  note(std::string(name_of(event)), index);
  const auto [state, action] = tcp_echo::step(slots_[index].state, event);
  slots_[index].state = state;
  act(index, action);
  if (action != SlotAction::kNone && !is_changing_) settle_loans();
}

void SmallWorld::act(std::size_t index, SlotAction action) {
  auto& slot = slots_[index];
  const auto with_worker = [&](auto deed) {
    if (slot.worker) return deed(*slot.worker);
    complain(std::string(name_of(action)) + " without a process");
  };
  switch (action) {
    case SlotAction::kNone: return;
    case SlotAction::kSpawn: return spawn(index);
    case SlotAction::kServe: slot.unserved = slot.needs_borrower = false; return;
    case SlotAction::kKillLate:
    case SlotAction::kKill: return with_worker([](Process& worker) { worker.is_condemned = true; });
    case SlotAction::kAbort:
      slot.patience = slot.needs_borrower = true;
      return with_worker([](Process& worker) { worker.is_condemned = true; });
    case SlotAction::kAskSuccessor:
      return with_worker(
          [&](const Process& worker) { agenda_.ask_for_restart(static_cast<unsigned>(index), worker.pid); });
    case SlotAction::kInstall: clear_place(index); return install(slot);
    case SlotAction::kDismiss:
      clear_place(index);
      slot.needs_borrower = true;
      return;
    case SlotAction::kScheduleSpawn:
      slot.delay = true;
      slot.unserved = !slot.needs_borrower;
      if (slot.backoff.after_failure(slot.served_for) > 30s) complain("the backoff is too long");
      return;
    case SlotAction::kTellDrain: return with_worker([](Process& worker) { worker.has_to_end = true; });
    case SlotAction::kSpawnToDrain: return spawn_to_drain(index);
    case SlotAction::kTellStop:
      slot.patience = true;
      return with_worker([](Process& worker) { worker.has_to_end = true; });
    case SlotAction::kLeave:
      if (slot.worker) complain("it leaves its process behind");
      return;
  }
}

bool SmallWorld::try_spawn(Slot& slot) {
  if (slot.worker) complain("two processes in one slot");
  if (goes_wrong(20)) return false;
  slot.worker.emplace(++last_pid_);
  slot.late = true;
  return true;
}

void SmallWorld::spawn(std::size_t index) {
  auto& slot = slots_[index];
  if (try_spawn(slot)) {
    slot.unserved = !slot.needs_borrower;
    return;
  }
  slot.served_for = 0ms;
  handle(index, SlotEvent::kFailed);
}

void SmallWorld::spawn_to_drain(std::size_t index) {
  auto& slot = slots_[index];
  slot.delay = false;
  if (is_past_deadline_ || !try_spawn(slot)) return handle(index, SlotEvent::kFailed);
  slot.worker->has_to_end = true;
}

void SmallWorld::install(Slot& slot) {
  if (!slot.candidate) return complain("there is nobody to take the place");
  slot.worker = std::exchange(slot.candidate, std::nullopt);
  slot.worker->ready_at = now_;
  slot.backoff = Backoff(100ms, 30s);
  slot.needs_borrower = false;
}

void SmallWorld::clear_place(std::size_t index) {
  auto& slot = slots_[index];
  slot.late = slot.delay = slot.patience = slot.unserved = false;
  loans_.forget_borrower(index);
  if (slot.worker) leavers_.push_back(*std::exchange(slot.worker, std::nullopt));
}

bool SmallWorld::can_borrow(std::size_t index) const { return slots_[index].state == SlotState::kServing; }

bool SmallWorld::anyone_serves() const {
  return std::any_of(slots_.begin(), slots_.end(),
                     [](const Slot& slot) { return slot.state == SlotState::kServing; });
}

/// One that never came to be has no listeners.
bool SmallWorld::needs_borrower(const Slot& slot) const {
  return slot.needs_borrower && slot.state != SlotState::kEmpty;
}

void SmallWorld::settle_loans() {
  if (is_ending_ || is_changing_) return;
  std::vector<Lender> views;
  for (std::size_t i = 0; i < slots_.size(); ++i)
    views.push_back({needs_borrower(slots_[i]), can_borrow(i), now_ < slots_[i].may_borrow_from});
  for (const auto& [lender, from, to] : loans_.settle(views)) {
    if (from && !take_back(lender, *from)) loans_.set_borrower(lender, from);
    if (to && !lend(lender, *to)) loans_.set_borrower(lender, std::nullopt);
  }
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (anyone_serves() && needs_borrower(slots_[i]) != loans_.borrower_of(i).has_value()) loan_retry_ = true;
  }
}

bool SmallWorld::lend(std::size_t lender, std::size_t borrower) {
  if (goes_wrong(10)) return false;
  auto& worker = *slots_[borrower].worker;
  if (goes_wrong(10)) {
    refusals_.push_back({borrower, worker.pid, lender});
  } else {
    worker.borrowed.insert(lender);
  }
  return true;
}

bool SmallWorld::take_back(std::size_t lender, std::size_t borrower) {
  if (goes_wrong(10)) return false;
  slots_[borrower].worker->borrowed.erase(lender);
  return true;
}

// ---- movements

void SmallWorld::begin_next() {
  if (movement_ || is_ending_) return;
  if (const auto job = agenda_.next()) begin(*job);
}

std::vector<std::size_t> SmallWorld::all_slots_of(std::size_t workers) const {
  std::vector<std::size_t> all(workers);
  std::iota(all.begin(), all.end(), 0U);
  return all;
}

void SmallWorld::begin(const Job& job) {
  switch (job.kind) {
    case Job::Kind::kUpgrade: return;
    case Job::Kind::kReload: {
      const auto workers = dice_.between(1, kMostWorkers);
      return move({workers, all_slots_of(workers)});
    }
    case Job::Kind::kScale: {
      const auto wanted = std::clamp(static_cast<int>(workers_) + job.by, 1, static_cast<int>(kMostWorkers));
      const auto workers = static_cast<std::size_t>(wanted);
      if (workers == workers_) return;
      auto renewed = all_slots_of(workers);
      renewed.erase(renewed.begin(),
                    renewed.begin() + static_cast<std::ptrdiff_t>(std::min(workers, workers_)));
      return move({workers, std::move(renewed)});
    }
    case Job::Kind::kRestart:
      const auto& worker = slots_[job.slot].worker;
      if (worker && worker->pid == job.worker) move({workers_, {job.slot}});
      return;
  }
}

void SmallWorld::move(Movement movement) {
  movement_ = std::move(movement);
  if (slots_.size() < movement_->workers) slots_.resize(movement_->workers);
  loans_.grow_to(slots_.size());
  for (const auto index : movement_->renewed) {
    if (goes_wrong(30)) return fail_movement();
    slots_[index].candidate.emplace(++last_pid_);
    note("gets a candidate", index);
  }
  if (movement_->renewed.empty()) change();
}

void SmallWorld::change() {
  if (goes_wrong(30)) return fail_movement();
  const auto movement = *std::exchange(movement_, std::nullopt);
  is_changing_ = true;
  for (const auto index : movement.renewed) handle(index, SlotEvent::kSucceeded);
  for (std::size_t i = movement.workers; i < slots_.size(); ++i) handle(i, SlotEvent::kDismissed);
  is_changing_ = false;
  workers_ = movement.workers;
  settle_loans();
}

void SmallWorld::fail_movement() {
  movement_.reset();
  for (auto& slot : slots_) {
    if (slot.candidate) leavers_.push_back(*std::exchange(slot.candidate, std::nullopt));
  }
}

// ---- what has to be so at any time

void SmallWorld::check() {
  for (std::size_t i = 0; i < slots_.size(); ++i) check(i);
}

void SmallWorld::check(std::size_t index) {
  const auto& slot = slots_[index];
  const auto name = "worker " + std::to_string(index + 1) + " (" + std::string(name_of(slot.state)) + ") ";
  if (has_process(slot.state) != slot.worker.has_value()) complain(name + "and its process do not agree");
  if (is_ending_) return;
  if (slot.state == SlotState::kGone) complain(name + "is gone while the service goes on");
  if (!is_or_will_be_served(index)) complain(name + "has nobody who accepts for it, and nobody will");
  const auto borrower = loans_.borrower_of(index);
  if (borrower && !can_borrow(*borrower)) complain(name + "is lent to one that does not serve");
  if (borrower == index) complain(name + "is lent to itself");
  for (std::size_t other = 0; other < slots_.size(); ++other) {
    const auto& worker = slots_[other].worker;
    if (can_borrow(other) && worker->borrowed.contains(index) && borrower != other)
      complain(name + "is accepted for by one that was forgotten");
  }
}

/// By its own worker, by another one, or soon by one of them.
bool SmallWorld::is_or_will_be_served(std::size_t index) const {
  const auto& slot = slots_[index];
  if (slot.state == SlotState::kEmpty || slot.state == SlotState::kServing) return true;
  if (loans_.borrower_of(index)) return true;
  if (slot.state != SlotState::kRetired && !will_serve(slot)) return false;
  if (!slot.needs_borrower) return slot.unserved;
  return loan_retry_ ||
         (!anyone_serves() &&
          std::any_of(slots_.begin(), slots_.end(), [this](const Slot& each) { return will_serve(each); }));
}

/// There is a timer or a death to come that brings it nearer to serving.
bool SmallWorld::will_serve(const Slot& slot) const {
  switch (slot.state) {
    case SlotState::kStarting: return slot.late;
    case SlotState::kHung: return slot.patience || slot.worker->is_condemned;
    case SlotState::kWaiting: return slot.delay;
    default: return false;
  }
}

// ---- when all is well again

void SmallWorld::expect_to_recover() {
  misfortune_ = false;
  for (int round = 0; round < kEnoughRounds && !is_calm(); ++round) recover_a_little();
  if (!is_calm()) return complain("it does not come to rest");
  expect_everybody_served();
}

void SmallWorld::recover_a_little() {
  now_ += 2s;
  for (std::size_t i = 0; i < slots_.size(); ++i) recover(i);
  while (!refusals_.empty()) deliver_a_refusal();
  if (std::exchange(loan_retry_, false)) settle_loans();
  begin_next();
  while (movement_) something_happens_to_the_movement();
  if (anyone_serves()) leavers_.clear();
  check();
}

void SmallWorld::recover(std::size_t index) {
  auto& slot = slots_[index];
  if (slot.worker) {
    slot.worker->stands_still = false;
    if (slot.worker->is_condemned) return lose(index);
    return become_ready(index);
  }
  slot.late = false;
  a_timer_rings(index);
}

bool SmallWorld::is_calm() const {
  if (movement_ || loan_retry_ || !refusals_.empty() || !leavers_.empty() || agenda_.reload_is_asked() ||
      agenda_.workers_asked() != 0 || !agenda_.restarts_asked().empty())
    return false;
  return std::all_of(slots_.begin(), slots_.end(), [](const Slot& slot) {
    return slot.state == SlotState::kServing || slot.state == SlotState::kRetired ||
           slot.state == SlotState::kEmpty;
  });
}

void SmallWorld::expect_everybody_served() {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const auto& slot = slots_[i];
    const auto borrower = loans_.borrower_of(i);
    const auto name = "at rest worker " + std::to_string(i + 1) + " ";
    if ((slot.state == SlotState::kServing) != (i < workers_)) complain(name + "is not as was asked for");
    if ((slot.state == SlotState::kRetired) != borrower.has_value())
      complain(name + "is lent and needs it not, or not lent");
    if (borrower && !slots_[*borrower].worker->borrowed.contains(i))
      complain(name + "is lent to one that has it not");
  }
}

// ---- the end

void SmallWorld::expect_to_end() {
  dice_.once_in(4) ? stop() : drain();
  const auto goes_wrong_for = static_cast<int>(dice_.below(30));
  for (int round = 0; round < goes_wrong_for; ++round) {
    const auto index = dice_.below(slots_.size());
    if (slots_[index].worker && dice_.once_in(4)) handle(index, SlotEvent::kEmptied);
    something_happens_to_a_slot();
    check();
  }
  stop();
  for (int round = 0; round < kEnoughRounds; ++round) {
    for (std::size_t i = 0; i < slots_.size(); ++i) go_on_ending(i);
    check();
  }
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].state != SlotState::kGone) complain("worker " + std::to_string(i + 1) + " does not end");
  }
}

void SmallWorld::drain() {
  is_ending_ = true;
  if (movement_) fail_movement();
  for (std::size_t i = 0; i < slots_.size(); ++i) handle(i, SlotEvent::kDrain);
}

/// At the deadline, or because somebody has no patience.
void SmallWorld::stop() {
  is_ending_ = is_past_deadline_ = true;
  if (movement_) fail_movement();
  for (std::size_t i = 0; i < slots_.size(); ++i) handle(i, SlotEvent::kStop);
}

/// A process that was told to stop does, unless it stands still: then it has to be killed.
void SmallWorld::go_on_ending(std::size_t index) {
  auto& slot = slots_[index];
  slot.late = false;
  if (slot.worker && (slot.worker->is_condemned || (slot.worker->has_to_end && !slot.worker->stands_still)))
    return lose(index);
  a_timer_rings(index);
}

}  // namespace tcp_echo::test
