#include "tcp_echo/master/fleet.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

#include "fleet_members.hpp"
#include "tcp_echo/base/text.hpp"
#include "tcp_echo/ipc/heartbeat.hpp"

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;

// A worker that was told to stop at once closes its connections in milliseconds, or it hangs.
constexpr auto kPatience = 500ms;

// What a worker gets for writing its core after SIGABRT.
constexpr auto kPatienceAfterAbort = 1s;

// So many failures of one slot, while others become ready, are enough to call a start failed.
constexpr unsigned kMostStartFailures = 5;

spdlog::level::level_enum level_of(const ProcessFailure& failure) {
  return failure.is_clean ? spdlog::level::info : spdlog::level::err;
}

WorkerState published_state(SlotState state) {
  switch (state) {
    case SlotState::kEmpty:
    case SlotState::kWaiting:
    case SlotState::kGone: return WorkerState::kNone;
    case SlotState::kStarting: return WorkerState::kStarting;
    case SlotState::kServing: return WorkerState::kReady;
    case SlotState::kHung: return WorkerState::kHung;
    case SlotState::kEmptying:
    case SlotState::kEmptyingAgain:
    case SlotState::kStopping: return WorkerState::kStopping;
  }
  return WorkerState::kNone;
}

}  // namespace

Fleet::Fleet(Loop& loop, const WorkerResources& resources, const ListenerSet& listeners, unsigned slots,
             Handlers handlers)
    : loop_(loop),
      resources_(resources),
      listeners_(listeners),
      handlers_(std::move(handlers)),
      blocks_in_use_(kMostBlocks),
      loans_(slots),
      loan_retry_(loop, [this] { settle_loans(); }),
      watch_(loop, [this] { look_for_hung_workers(); }) {
  for (unsigned i = 0; i < slots; ++i) slots_.push_back(std::make_unique<Slot>(*this, i));
  resources_.scoreboard.master().slot_count.store(slots);
}

Fleet::~Fleet() = default;

void Fleet::start() {
  if (resources_.config.watchdog > 0ms) {
    last_look_ = loop_.now();
    watch_.start(heartbeat_interval(resources_.config.watchdog));
  }
  for (const auto& slot : slots_) handle(*slot, SlotEvent::kStart);
}

void Fleet::drain() {
  is_ending_ = true;
  end_by_ = loop_.now() + resources_.config.shutdown_timeout;
  for (const auto& slot : slots_) handle(*slot, SlotEvent::kDrain);
}

void Fleet::stop() {
  is_ending_ = true;
  for (const auto& slot : slots_) handle(*slot, SlotEvent::kStop);
  for (const auto& leaver : leavers_) {
    if (!leaver->told_to_die) on_leaver_overdue(*leaver);
  }
}

void Fleet::handle(Slot& slot, SlotEvent event) {
  const auto [state, action] = step(slot.state, event);
  slot.state = state;
  act(slot, action);
  publish(slot);
  if (action == SlotAction::kNone) return;
  hasten_someone();
  settle_loans();
  handlers_.on_change();
}

void Fleet::act(Slot& slot, SlotAction action) {
  switch (action) {
    case SlotAction::kNone: return;
    case SlotAction::kSpawn: return spawn(slot);
    case SlotAction::kServe: return serve(slot);
    case SlotAction::kKillLate:
      spdlog::error("{} is not ready after {} (--ready-timeout); killing it", slot.worker->name(),
                    format_duration(resources_.config.ready_timeout));
      return slot.worker->kill(SIGKILL);
    case SlotAction::kAbort: return abort(slot);
    case SlotAction::kKill:
      spdlog::error("{} was to end and has not; killing it", slot.worker->name());
      return slot.worker->kill(SIGKILL);
    case SlotAction::kReplace: return replace(slot);
    case SlotAction::kScheduleSpawn: return schedule_spawn(slot);
    case SlotAction::kTellDrain: return tell_drain(slot);
    case SlotAction::kSpawnToDrain: return spawn_to_drain(slot);
    case SlotAction::kTellStop: return tell_stop(slot);
    case SlotAction::kLeave: return leave();
  }
}

void Fleet::spawn(Slot& slot) {
  if (auto spawned = try_spawn(slot); !spawned) {
    slot.failure = {fmt::format("worker {} cannot be started: {}", slot.index + 1, spawned.error().text)};
    return handle(slot, SlotEvent::kFailed);
  }
  expect_service(slot, 0ms);
}

/// Its slot had no worker, or lost it, when the service ended: somebody may be waiting on its listeners.
void Fleet::spawn_to_drain(Slot& slot) {
  slot.delay.stop();
  if (loop_.now() >= end_by_) return handle(slot, SlotEvent::kFailed);  // it would come too late
  if (auto spawned = try_spawn(slot); !spawned) {
    spdlog::error("worker {} cannot be started: {}; clients that wait for it are lost", slot.index + 1,
                  spawned.error().text);
    return handle(slot, SlotEvent::kFailed);
  }
  tell_drain(slot);
}

void Fleet::tell_drain(Slot& slot) {
  const auto left = std::max<std::chrono::milliseconds>(end_by_ - loop_.now(), 0ms);
  slot.worker->tell(DrainMessage{static_cast<std::uint64_t>(left.count())});
}

Result<void> Fleet::try_spawn(Slot& slot) {
  const auto block = free_block();
  if (block == blocks_in_use_.size()) return failure(ExitCode::kOsError, "too many processes still run");
  WorkerProcess::Handlers handlers;
  handlers.on_message = [this, &slot, block](const Message& message) { on_message(slot, block, message); };
  handlers.on_exit = [this, &slot, block](const ExitStatus& status) { on_exit(slot, block, status); };
  auto worker = WorkerProcess::start(
      loop_, resources_, {slot.index + 1, block, listeners_.of_slot(slot.index), listeners_.is_inherited()},
      std::move(handlers));
  if (!worker) return tl::unexpected(worker.error());
  slot.worker = std::move(*worker);
  blocks_in_use_[block] = true;
  slot.late_for_sure = false;
  slot.late.start(resources_.config.ready_timeout);
  return {};
}

void Fleet::serve(Slot& slot) {
  slot.unserved.stop();
  slot.needs_borrower = false;
  slot.was_ever_ready = true;
  if (all_were_ready_) return spdlog::info("{} is ready", slot.worker->name());
  all_were_ready_ = ready_count() == slots_.size();
  if (all_were_ready_) handlers_.on_all_ready();
}

void Fleet::abort(Slot& slot) {
  if (slot.patience.is_running()) return;
  abort(*slot.worker);
  slot.patience.start(kPatienceAfterAbort);
  slot.needs_borrower = true;
}

void Fleet::abort(Leaver& leaver) {
  leaver.told_to_die = true;
  abort(*leaver.worker);
  leaver.overdue.start(kPatienceAfterAbort);
}

void Fleet::abort(WorkerProcess& worker) const {
  spdlog::error("{} has not turned for {} (--watchdog); SIGABRT now, SIGKILL in {}", worker.name(),
                format_duration(resources_.config.watchdog), format_duration(kPatienceAfterAbort));
  worker.kill(SIGABRT);
  worker.kill(SIGCONT);  // a stopped process dies only once it runs again
}

void Fleet::replace(Slot& slot) {
  spdlog::info("{} was told to leave by a signal; starting another beside it", slot.worker->name());
  auto& leaver = *leavers_.emplace_back(std::make_unique<Leaver>(*this, slot.index, std::move(slot.worker)));
  leaver.overdue.start(resources_.config.shutdown_timeout + kGraceAfterDeadline);
  resources_.scoreboard.master().slots[slot.index].restarts.add(1);
  spawn(slot);
}

/// Before the service is up, failing too often is its end; afterwards it is the slot's concern alone.
void Fleet::schedule_spawn(Slot& slot) {
  const auto& text = slot.failure.text;
  const auto delay = slot.backoff.after_failure(slot.failure.served_for);
  if (start_has_failed()) {
    if (!std::exchange(start_failed_, true)) handlers_.on_start_failure({ExitCode::kTemporary, text});
    return;
  }
  resources_.scoreboard.master().slots[slot.index].restarts.add(1);
  slot.spawn_due = loop_.now() + delay;
  slot.delay.start(delay);
  expect_service(slot, delay);
  hasten_someone();
  const auto wait = slot.spawn_due - loop_.now();
  const auto failures = slot.backoff.failures_in_a_row();
  spdlog::log(level_of(slot.failure), "{}; starting another {}{}", text,
              wait == 0ms ? "at once" : "in " + format_duration(wait),
              failures > 1 ? fmt::format(" ({} failure in a row)", ordinal(failures)) : "");
}

bool Fleet::start_has_failed() const {
  if (all_were_ready_) return false;
  const auto failed = [](const auto& slot) { return slot->backoff.failures_in_a_row() > 0; };
  const auto hopeless = [](const auto& slot) {
    return slot->backoff.failures_in_a_row() >= kMostStartFailures;
  };
  const auto was_ready = [](const auto& slot) { return slot->was_ever_ready; };
  return std::any_of(slots_.begin(), slots_.end(), hopeless) ||
         (std::all_of(slots_.begin(), slots_.end(), failed) &&
          std::none_of(slots_.begin(), slots_.end(), was_ready));
}

void Fleet::tell_stop(Slot& slot) {
  if (!slot.patience.is_running()) slot.patience.start(kPatience);  // asking again must not put the kill off
  slot.worker->tell(StopMessage{});
}

void Fleet::leave() {
  const bool all_gone = leavers_.empty() && std::all_of(slots_.begin(), slots_.end(), [](const auto& slot) {
                          return slot->state == SlotState::kGone;
                        });
  if (all_gone) handlers_.on_all_gone();
}

void Fleet::on_message(Slot& slot, std::size_t block, const Message& message) {
  if (slot.worker == nullptr || slot.worker->block() != block) return;  // a leaver has nothing more to say
  if (std::holds_alternative<ReadyMessage>(message)) return on_ready(slot);
  if (std::holds_alternative<LeavingMessage>(message)) return handle(slot, SlotEvent::kLeaving);
  if (std::holds_alternative<EmptiedMessage>(message)) return handle(slot, SlotEvent::kEmptied);
  if (const auto* refused = std::get_if<RefuseLoanMessage>(&message)) return on_refused_loan(slot, *refused);
  spdlog::error("{} sent a message that only a master may send; killing it", slot.worker->name());
  slot.worker->kill(SIGKILL);
}

/// One that is being killed because it was late stays late.
void Fleet::on_ready(Slot& slot) {
  if (slot.state == SlotState::kHung) return;
  slot.late.stop();
  slot.worker->note_ready();
  handle(slot, SlotEvent::kReady);
}

void Fleet::on_late(Slot& slot) {
  if (std::exchange(slot.late_for_sure, true)) return handle(slot, SlotEvent::kLate);
  slot.late.start(kSecondLook);
}

void Fleet::on_exit(Slot& slot, std::size_t block, const ExitStatus& status) {
  const bool is_leaver = slot.worker == nullptr || slot.worker->block() != block;
  const auto worker = take(slot, block);
  const ProcessFailure ended{worker->obituary(status), status.is_clean(), worker->served_for()};
  retire(resources_.scoreboard.block(block), resources_.scoreboard.master().slots[slot.index].past);
  blocks_in_use_[block] = false;
  if (is_leaver) {
    spdlog::log(level_of(ended), "{}", ended.text);
    return leave();
  }
  slot.failure = ended;
  slot.late.stop();
  slot.patience.stop();
  if (step(slot.state, SlotEvent::kFailed).action != SlotAction::kScheduleSpawn)
    spdlog::log(level_of(ended), "{}", ended.text);
  handle(slot, SlotEvent::kFailed);
}

std::unique_ptr<WorkerProcess> Fleet::take(Slot& slot, std::size_t block) {
  if (slot.worker != nullptr && slot.worker->block() == block) return std::move(slot.worker);
  const auto leaver = std::find_if(leavers_.begin(), leavers_.end(),
                                   [block](const auto& each) { return each->worker->block() == block; });
  auto worker = std::move((*leaver)->worker);
  leavers_.erase(leaver);
  return worker;
}

void Fleet::on_leaver_overdue(Leaver& leaver) {
  if (std::exchange(leaver.told_to_die, true)) {
    spdlog::error("{} was to end and has not; killing it", leaver.worker->name());
    return leaver.worker->kill(SIGKILL);
  }
  leaver.worker->tell(StopMessage{});
  leaver.overdue.start(kPatience);
}

/// While nobody serves, whoever is next does not wait for the whole of its backoff.
void Fleet::hasten_someone() {
  if (is_ending_ || anyone_serves()) return;
  Slot* next = nullptr;
  for (const auto& slot : slots_) {
    if (slot->state != SlotState::kWaiting || !slot->delay.is_running()) continue;
    if (next == nullptr || slot->spawn_due < next->spawn_due) next = slot.get();
  }
  const auto soon = loop_.now() + resources_.config.respawn_delay_min;
  if (next == nullptr || next->spawn_due <= soon) return;
  spdlog::info("no worker serves: starting worker {} in {} already", next->index + 1,
               format_duration(resources_.config.respawn_delay_min));
  next->spawn_due = soon;
  next->delay.start(resources_.config.respawn_delay_min);
}

void Fleet::look_for_hung_workers() {
  const auto now = loop_.now();
  const auto since_last_look = now - std::exchange(last_look_, now);
  watch_.start(heartbeat_interval(resources_.config.watchdog));
  for (const auto& slot : slots_) {
    if (slot->worker != nullptr && slot->worker->was_ready() && slot->worker->is_hung(since_last_look))
      handle(*slot, SlotEvent::kHung);
  }
  for (const auto& leaver : leavers_) {
    if (!leaver->told_to_die && leaver->worker->is_hung(since_last_look)) abort(*leaver);
  }
}

void Fleet::pass_on_log(int descriptor) {
  const std::array descriptors = {descriptor};
  for (const auto& slot : slots_) {
    if (slot->worker != nullptr) slot->worker->tell(LogMessage{}, descriptors);
  }
  for (const auto& leaver : leavers_) leaver->worker->tell(LogMessage{}, descriptors);
}

void Fleet::log_statistics() const {
  for (const auto& slot : slots_) {
    const auto& entry = resources_.scoreboard.master().slots[slot->index];
    std::vector<const WorkerCounters*> parts = {&entry.past};
    if (slot->worker != nullptr) parts.push_back(&slot->worker->counters());
    for (const auto& leaver : leavers_) {
      if (leaver->index == slot->index) parts.push_back(&leaver->worker->counters());
    }
    const auto sum = [&parts](auto count) {
      std::uint64_t total = 0;
      for (const auto* part : parts) total += count(*part);
      return total;
    };
    spdlog::info("worker {} is {}: {} open, {} accepted, {} received, {} sent, {}", slot->index + 1,
                 name_of(slot->state),
                 counted(sum([](const auto& part) { return part.active(); }), "connection"),
                 sum([](const auto& part) { return part.accepted.get(); }),
                 format_bytes(sum([](const auto& part) { return part.received_bytes.get(); })),
                 format_bytes(sum([](const auto& part) { return part.sent_bytes.get(); })),
                 counted(entry.restarts.get(), "restart"));
  }
}

std::size_t Fleet::ready_count() const {
  return static_cast<std::size_t>(std::count_if(
      slots_.begin(), slots_.end(), [](const auto& slot) { return slot->state == SlotState::kServing; }));
}

bool Fleet::anyone_serves() const { return ready_count() > 0; }

std::size_t Fleet::free_block() const {
  const auto found = std::find(blocks_in_use_.begin(), blocks_in_use_.end(), false);
  return static_cast<std::size_t>(found - blocks_in_use_.begin());
}

void Fleet::publish(const Slot& slot) const {
  auto& entry = resources_.scoreboard.master().slots[slot.index];
  entry.block.store(static_cast<std::uint32_t>(slot.worker == nullptr ? 0 : slot.worker->block()));
  entry.pid.store(slot.worker == nullptr ? 0 : slot.worker->pid());
  entry.state.store(published_state(slot.state));
}

}  // namespace tcp_echo
