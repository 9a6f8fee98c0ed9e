#include "tcp_echo/fleet/fleet.hpp"

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

// So many failures of one slot, while others become ready, are enough to call a start failed.
constexpr unsigned kMostStartFailures = 5;

spdlog::level::level_enum level_of(const ProcessFailure& failure) {
  return failure.is_clean ? spdlog::level::info : spdlog::level::err;
}

WorkerState published_state(SlotState state) {
  switch (state) {
    case SlotState::kEmpty:
    case SlotState::kWaiting:
    case SlotState::kRetired:
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

Fleet::Fleet(Loop& loop, const WorkerResources& resources, std::shared_ptr<const Generation> generation,
             unsigned slots, Handlers handlers)
    : loop_(loop),
      resources_(resources),
      generation_(std::move(generation)),
      handlers_(std::move(handlers)),
      clearings_(
          loop, {.tell_someone = [this](const auto& message, auto fds) { return tell_someone(message, fds); },
                 .tell = [this](std::size_t block, const auto& message) { tell(block, message); },
                 .on_removed = [this] { handlers_.on_change(); }}),
      blocks_in_use_(kMostBlocks),
      loans_(slots),
      candidates_late_(loop, [this] { on_candidates_late(); }),
      loan_retry_(loop, [this] { settle_loans(); }),
      watch_(loop, [this] { look_for_hung_workers(); }) {
  for (unsigned i = 0; i < slots; ++i) slots_.push_back(std::make_unique<Slot>(*this, i));
}

Fleet::~Fleet() = default;

void Fleet::start() {
  begin_to_watch();
  for (const auto& slot : slots_) handle(*slot, SlotEvent::kStart);
}

void Fleet::begin_to_watch() {
  watch_.stop();
  if (config().watchdog == 0ms) return;
  last_look_ = loop_.now();
  watch_.start(heartbeat_interval(config().watchdog));
}

void Fleet::handle(Slot& slot, SlotEvent event) {
  const auto [state, action] = step(slot.state, event);
  slot.state = state;
  act(slot, action);
  publish(slot);
  if (action == SlotAction::kNone || is_changing_) return;
  hasten_someone();
  settle_loans();
  clearings_.settle();
  handlers_.on_change();
}

void Fleet::act(Slot& slot, SlotAction action) {
  switch (action) {
    case SlotAction::kNone: return;
    case SlotAction::kSpawn: return spawn(slot);
    case SlotAction::kServe: return serve(slot);
    case SlotAction::kKillLate:
      spdlog::error("{} is not ready after {} (--ready-timeout); killing it", slot.worker->name(),
                    format_duration(config().ready_timeout));
      return slot.worker->kill(SIGKILL);
    case SlotAction::kAbort: return abort(slot);
    case SlotAction::kKill:
      spdlog::error("{} was to end and has not; killing it", slot.worker->name());
      return slot.worker->kill(SIGKILL);
    case SlotAction::kAskSuccessor: return handlers_.on_leaving(slot.index, slot.worker->pid());
    case SlotAction::kInstall: return install(slot);
    case SlotAction::kDismiss: return dismiss(slot);
    case SlotAction::kScheduleSpawn: return schedule_spawn(slot);
    case SlotAction::kTellDrain: return tell_drain(*slot.worker);
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

WorkerProcess::Handlers Fleet::handlers_for(Slot& slot, std::size_t block) {
  return {.on_message = [this, &slot, block](const Message& message) { on_message(slot, block, message); },
          .on_exit = [this, &slot, block](const ExitStatus& status) { on_exit(slot, block, status); }};
}

Result<std::unique_ptr<WorkerProcess>> Fleet::start_process(Slot& slot, const Generation& generation,
                                                            bool waits) {
  const auto block = free_block();
  if (block == blocks_in_use_.size()) return failure(ExitCode::kOsError, "too many processes still run");
  auto worker = WorkerProcess::start(loop_, resources_, generation, {slot.index + 1, block, waits},
                                     handlers_for(slot, block));
  if (worker) blocks_in_use_[block] = true;
  return worker;
}

Result<void> Fleet::try_spawn(Slot& slot) {
  auto worker = start_process(slot, *generation_, false);
  if (!worker) return tl::unexpected(worker.error());
  slot.worker = std::move(*worker);
  slot.late_for_sure = false;
  slot.late.start(config().ready_timeout);
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
  abort(*leaver.worker);
  expect_death(leaver);
}

void Fleet::abort(WorkerProcess& worker) const {
  spdlog::error("{} has not turned for {} (--watchdog); SIGABRT now, SIGKILL in {}", worker.name(),
                format_duration(worker.watchdog()), format_duration(kPatienceAfterAbort));
  worker.kill(SIGABRT);
  worker.kill(SIGCONT);  // a stopped process dies only once it runs again
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

bool Fleet::is_moving() const {
  const auto moves = [](const auto& leaver) { return leaver->stage == Leaver::Stage::kMoving; };
  return movement_ || !clearings_.is_empty() || std::any_of(leavers_.begin(), leavers_.end(), moves);
}

void Fleet::on_message(Slot& slot, std::size_t block, const Message& message) {
  if (slot.candidate != nullptr && slot.candidate->block() == block)
    return on_candidate_message(slot, message);
  if (auto* const leaver = leaver_with(block)) return on_leaver_message(*leaver, message);
  if (std::holds_alternative<ReadyMessage>(message)) return on_ready(slot);
  if (std::holds_alternative<LeavingMessage>(message)) return handle(slot, SlotEvent::kLeaving);
  if (std::holds_alternative<EmptiedMessage>(message)) {
    emptiers_.on_emptied(slot.index);
    return handle(slot, SlotEvent::kEmptied);
  }
  if (const auto* refused = std::get_if<RefuseLoanMessage>(&message)) return on_refused_loan(slot, *refused);
  if (heeds_clearing(block, message)) return;
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
  const bool had_place = slot.worker != nullptr && slot.worker->block() == block;
  const bool was_candidate = slot.candidate != nullptr && slot.candidate->block() == block;
  const auto worker = take(slot, block);
  const ProcessFailure ended{worker->obituary(status), status.is_clean(), worker->served_for()};
  retire(resources_.scoreboard.block(block), resources_.scoreboard.master().slots[slot.index].past);
  blocks_in_use_[block] = false;
  clearings_.on_worker_gone(block);
  if (was_candidate) return fail_movement({ExitCode::kTemporary, ended.text});
  if (!had_place) {
    spdlog::log(level_of(ended), "{}", ended.text);
    clearings_.settle();
    leave();
    return handlers_.on_change();
  }
  emptiers_.on_gone(slot.index);
  slot.failure = ended;
  slot.late.stop();
  slot.patience.stop();
  if (step(slot.state, SlotEvent::kFailed).action != SlotAction::kScheduleSpawn)
    spdlog::log(level_of(ended), "{}", ended.text);
  handle(slot, SlotEvent::kFailed);
}

std::unique_ptr<WorkerProcess> Fleet::take(Slot& slot, std::size_t block) {
  for (auto* const place : {&slot.worker, &slot.candidate}) {
    if (*place != nullptr && (*place)->block() == block) return std::move(*place);
  }
  const auto leaver = std::find_if(leavers_.begin(), leavers_.end(),
                                   [block](const auto& each) { return each->worker->block() == block; });
  auto worker = std::move((*leaver)->worker);
  leavers_.erase(leaver);
  return worker;
}

/// While nobody serves, whoever is next does not wait for the whole of its backoff.
void Fleet::hasten_someone() {
  if (is_ending_ || anyone_serves()) return;
  Slot* next = nullptr;
  for (const auto& slot : slots_) {
    if (slot->state != SlotState::kWaiting || !slot->delay.is_running()) continue;
    if (next == nullptr || slot->spawn_due < next->spawn_due) next = slot.get();
  }
  const auto soon = loop_.now() + config().respawn_delay_min;
  if (next == nullptr || next->spawn_due <= soon) return;
  spdlog::info("no worker serves: starting worker {} in {} already", next->index + 1,
               format_duration(config().respawn_delay_min));
  next->spawn_due = soon;
  next->delay.start(config().respawn_delay_min);
}

void Fleet::look_for_hung_workers() {
  const auto now = loop_.now();
  const auto since_last_look = now - std::exchange(last_look_, now);
  watch_.start(heartbeat_interval(config().watchdog));
  for (const auto& slot : slots_) {
    if (slot->worker != nullptr && slot->worker->was_ready() && slot->worker->is_hung(since_last_look))
      handle(*slot, SlotEvent::kHung);
  }
  for (const auto& leaver : leavers_) {
    if (leaver->stage != Leaver::Stage::kDying && leaver->worker->is_hung(since_last_look)) abort(*leaver);
  }
}

void Fleet::pass_on_log(int descriptor) {
  const std::array descriptors = {descriptor};
  for (const auto& slot : slots_) {
    for (auto* const worker : {slot->worker.get(), slot->candidate.get()}) {
      if (worker != nullptr && worker->is_reachable()) worker->tell(LogMessage{}, descriptors);
    }
  }
  for (const auto& leaver : leavers_) {
    if (leaver->worker->is_reachable()) leaver->worker->tell(LogMessage{}, descriptors);
  }
}

void Fleet::log_statistics() const {
  for (const auto& slot : slots_) {
    if (slot->state != SlotState::kEmpty) log_statistics(*slot);
  }
}

void Fleet::log_statistics(const Slot& slot) const {
  const auto& entry = resources_.scoreboard.master().slots[slot.index];
  Tally tally;
  tally.add(entry.past);
  if (slot.worker != nullptr) tally.add(slot.worker->counters());
  for (const auto& leaver : leavers_) {
    if (leaver->index == slot.index) tally.add(leaver->worker->counters());
  }
  spdlog::info(
      "worker {} is {}: {} open, {} accepted, {} closed, {} handed over to it, {} by it, {} received, {} "
      "sent, {}",
      slot.index + 1, name_of(slot.state), counted(tally.active(), "connection"), tally.accepted,
      tally.closed, tally.handed_over_in, tally.handed_over_out, format_bytes(tally.received_bytes),
      format_bytes(tally.sent_bytes), counted(entry.restarts.get(), "restart"));
}

pid_t Fleet::worker_of(unsigned slot) const {
  return slot < slots_.size() && slots_[slot]->worker != nullptr ? slots_[slot]->worker->pid() : 0;
}

std::size_t Fleet::ready_count() const {
  return static_cast<std::size_t>(std::count_if(
      slots_.begin(), slots_.end(), [](const auto& slot) { return slot->state == SlotState::kServing; }));
}

bool Fleet::anyone_serves() const { return ready_count() > 0; }

/// Whether the message is about one; from a worker, or a leaver.
bool Fleet::heeds_clearing(std::size_t block, const Message& message) {
  const auto* const cleared = std::get_if<ClearedMessage>(&message);
  const auto* const refused = std::get_if<RefuseClearMessage>(&message);
  if (cleared != nullptr) clearings_.on_cleared(block, *cleared);
  if (refused != nullptr) clearings_.on_refused(block, *refused);
  return cleared != nullptr || refused != nullptr;
}

std::optional<std::size_t> Fleet::tell_someone(const Message& message, std::span<const int> descriptors) {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const auto& slot = *slots_[++told_last_ % slots_.size()];
    if (slot.state == SlotState::kServing && slot.worker->try_tell(message, descriptors))
      return slot.worker->block();
  }
  return std::nullopt;
}

void Fleet::tell(std::size_t block, const Message& message) {
  if (auto* const leaver = leaver_with(block)) return leaver->worker->tell(message);
  for (const auto& slot : slots_) {
    if (slot->worker != nullptr && slot->worker->block() == block) slot->worker->tell(message);
  }
}

std::size_t Fleet::free_block() const {
  const auto found = std::find(blocks_in_use_.begin(), blocks_in_use_.end(), false);
  return static_cast<std::size_t>(found - blocks_in_use_.begin());
}

void Fleet::publish(const Slot& slot) {
  auto& entry = resources_.scoreboard.master().slots[slot.index];
  entry.block.store(static_cast<std::uint32_t>(slot.worker == nullptr ? 0 : slot.worker->block()));
  entry.pid.store(slot.worker == nullptr ? 0 : slot.worker->pid());
  entry.state.store(published_state(slot.state));
  entry.generation.store(slot.worker == nullptr ? 0 : slot.worker->generation());
  if (slot.worker != nullptr) slots_with_a_past_ = std::max(slots_with_a_past_, slot.index + 1);
  resources_.scoreboard.master().slot_count.store(slots_with_a_past_);
}

}  // namespace tcp_echo
