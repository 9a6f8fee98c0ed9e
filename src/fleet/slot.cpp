#include "slot.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "tcp_echo/base/overloaded.hpp"
#include "tcp_echo/base/text.hpp"
#include "tcp_echo/process/patience.hpp"

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;

// Starting a worker takes some milliseconds. Longer than this, clients should not wait for it.
constexpr auto kLendAfter = 200ms;

Backoff backoff_of(const Config& config) { return {config.respawn_delay_min, config.respawn_delay_max}; }

}  // namespace

Slot::Slot(const Household& household, Ending& ending, Host& host, unsigned index)
    : household_(household),
      ending_(ending),
      host_(host),
      index_(index),
      backoff_(backoff_of(config())),
      late_(household.clock, [this] { handle(SlotEvent::kLate); }),
      delay_(household.clock, [this] { handle(SlotEvent::kDelayOver); }),
      patience_(household.clock, [this] { handle(SlotEvent::kPatienceOver); }),
      unserved_(household.clock, [this] { household_.settle(); }) {}

void Slot::handle(SlotEvent event) {
  const auto before = state_;
  auto last = SlotAction::kNone;
  for (std::optional<SlotEvent> next = event; next;) {
    const auto [state, action] = step(state_, *next);
    state_ = state;
    last = action;
    next = act(action);
  }
  if (state_ == before && last == SlotAction::kNone) return;  // no event of this state
  host_.on_step(*this);
  household_.settle();
}

std::optional<SlotEvent> Slot::act(SlotAction action) {
  switch (action) {
    case SlotAction::kNone: break;
    case SlotAction::kSpawn: return spawn();
    case SlotAction::kServe: serve(); break;
    case SlotAction::kKillLate: worker_->kill_late(config().ready_timeout); break;
    case SlotAction::kAbort: abort(); break;
    case SlotAction::kKill: worker_->kill_overdue(); break;
    case SlotAction::kAskSuccessor: host_.on_leaving(*this); break;
    case SlotAction::kInstall: install(); break;
    case SlotAction::kDismiss: clear_place(); break;
    case SlotAction::kScheduleSpawn: schedule_spawn(); break;
    case SlotAction::kTellDrain: tell_drain(); break;
    case SlotAction::kSpawnToDrain: return spawn_to_drain();
    case SlotAction::kTellStop: tell_stop(); break;
    case SlotAction::kLeave: break;  // the fleet sees that the slot is gone
  }
  return std::nullopt;
}

Result<void> Slot::try_spawn() {
  auto worker = household_.nursery.start(index_, household_.crew.generation(), false, *this);
  if (!worker) return tl::unexpected(worker.error());
  worker_ = std::move(*worker);
  late_.start(config().ready_timeout);
  return {};
}

std::optional<SlotEvent> Slot::spawn() {
  if (auto spawned = try_spawn(); !spawned) {
    death_ = {fmt::format("worker {} cannot be started: {}", index_ + 1, spawned.error().text)};
    return SlotEvent::kFailed;
  }
  expect_service(0ms);
  return std::nullopt;
}

/// Clients may wait on listeners that no worker empties: those of this slot, or others.
std::optional<SlotEvent> Slot::spawn_to_drain() {
  delay_.stop();
  if (ending_.time_left() <= 0ms) return SlotEvent::kFailed;  // the worker would come too late
  if (auto spawned = try_spawn(); !spawned) {
    spdlog::error("worker {} cannot be started: {}; clients that wait for it may be lost", index_ + 1,
                  spawned.error().text);
    return SlotEvent::kFailed;
  }
  // Before the worker is told to drain: it may have done that, and be gone, before it reads more.
  ending_.entrust(*this);
  tell_drain();
  return std::nullopt;
}

void Slot::serve() {
  unserved_.stop();
  host_.on_served(*this);
}

void Slot::abort() {
  if (patience_.is_running()) return;
  household_.events.note(EventKind::kHung, worker_->abort(kPatienceAfterAbort));
  patience_.start(kPatienceAfterAbort);
  unserved_.pass();
}

void Slot::schedule_spawn() {
  const auto delay = backoff_.after_failure(death_.served_for);
  if (!host_.may_try_again(*this, death_)) return;
  delay_.start(delay);
  expect_service(delay);
  host_.on_spawn_scheduled();
  const auto wait = delay_.due_in();
  const auto text = fmt::format(
      "{}; starting another {}{}", death_.text, wait == 0ms ? "at once" : "in " + format_duration(wait),
      failures_in_a_row() > 1 ? fmt::format(" ({} failure in a row)", ordinal(failures_in_a_row())) : "");
  announce(death_, text, household_.events);
}

void Slot::install() {
  clear_place();
  auto candidate = host_.take_candidate(*this);
  worker_ = std::move(candidate.worker);
  worker_->report_to(*this);
  backoff_ = backoff_of(config());
  if (auto told = worker_->try_tell(AcceptMessage{}); !told)  // else it would never accept
    worker_->kill_for("cannot be told to accept: " + told.error().text);
  if (candidate.wants_successor) host_.on_leaving(*this);
}

/// The worker that had the place becomes a leaver, and the slot's timers for it stop.
void Slot::clear_place() {
  const bool is_dying = patience_.is_running();
  late_.stop();
  delay_.stop();
  patience_.stop();
  unserved_.stop();
  host_.let_leave(*this, std::move(worker_), is_dying);
}

void Slot::tell_drain() {
  const auto left = std::max(ending_.time_left(), 0ms);
  worker_->tell_to_end(DrainMessage{static_cast<std::uint64_t>(left.count())});
}

void Slot::tell_stop() {
  if (!patience_.is_running()) patience_.start(kPatience);  // asking again must not put the kill off
  worker_->tell_to_end(StopMessage{});
}

void Slot::on_message(Child& child, const ToMaster& message) {
  auto& clearings = household_.clearings;
  std::visit(
      Overloaded{[&](const ReadyMessage&) { on_ready(); },
                 [&](const LeavingMessage&) { handle(SlotEvent::kLeaving); },
                 [&](const EmptiedMessage&) {
                   ending_.on_emptied(*this);
                   handle(SlotEvent::kEmptied);
                 },
                 [&](const RefuseLoanMessage& refused) { host_.on_refused_loan(*this, refused); },
                 [&](const ClearedMessage& cleared) { clearings.on_cleared(child, cleared.number); },
                 [&](const RefuseClearMessage& refused) { clearings.on_refused(child, refused.number); },
                 [&](const LimitMessage& limit) { note_limit(child, limit, household_.events); },
                 [&](const ListedMessage& listed) { household_.census.on_listed(child, listed); },
                 [&](const BeatMessage&) { child.kill_for("sent a message of another role"); },
                 [&](const StrandedMessage&) {
                   child.kill_for("says that it has lost its successor, and never had one");
                 }},
      message);
}

/// A worker in "hung" is being killed, because it was late: that it is READY after all changes nothing.
void Slot::on_ready() {
  if (state_ == SlotState::kHung) return;
  late_.stop();
  worker_->note_ready();
  handle(SlotEvent::kReady);
  household_.settle();  // also for a worker started to drain: it is known now which listeners it can take
}

void Slot::on_exit(Child& child, const ExitStatus& status) {
  death_ = household_.nursery.bury(index_, child, status);
  worker_.reset();
  late_.stop();
  patience_.stop();
  ending_.on_worker_ended(*this);
  if (step(state_, SlotEvent::kFailed).action != SlotAction::kScheduleSpawn)
    announce(death_, death_.text, household_.events);
  handle(SlotEvent::kFailed);
}

/// The slot has no worker that accepts, and none is started before `delay` has passed. Where that takes too
/// long, or turns out to, the worker of another slot accepts for this one.
void Slot::expect_service(std::chrono::milliseconds delay) {
  if (unserved_.has_passed()) return;
  if (delay >= kLendAfter) return unserved_.pass();
  if (!unserved_.is_running()) unserved_.start(kLendAfter);
}

bool Slot::needs_borrower() const noexcept { return state_ == SlotState::kRetired || unserved_.has_passed(); }

std::optional<std::chrono::milliseconds> Slot::spawn_due_in() const {
  if (!delay_.is_running()) return std::nullopt;
  return delay_.due_in();
}

void Slot::look_for_hang(std::chrono::milliseconds since_last_look) {
  if (worker_ != nullptr && worker_->was_ready() && worker_->is_hung(since_last_look))
    handle(SlotEvent::kHung);
}

SlotRecord Slot::record(std::optional<std::size_t> borrower) const {
  SlotRecord record{state_, std::nullopt, needs_borrower(), borrower};
  if (worker_ != nullptr) record.worker = worker_->record();
  return record;
}

void Slot::restore(const SlotRecord& record) {
  state_ = record.state;
  if (record.needs_borrower) unserved_.pass();
  if (record.worker)
    worker_ = household_.nursery.adopt(index_, *record.worker, household_.crew.generation(), *this);
  switch (state_) {
    case SlotState::kWaiting:
      delay_.start(config().respawn_delay_min);
      expect_service(config().respawn_delay_min);
      break;
    case SlotState::kStarting:
      late_.start(config().ready_timeout);
      expect_service(0ms);
      break;
    case SlotState::kHung: patience_.start(kPatienceAfterAbort); break;
    case SlotState::kEmpty:
    case SlotState::kServing:
    case SlotState::kRetired:
    case SlotState::kEmptying:
    case SlotState::kEmptyingAgain:
    case SlotState::kStopping:
    case SlotState::kGone:
    case SlotState::kSpent: break;
  }
  host_.on_step(*this);
  // A worker that speaks another protocol version is replaced, unless a reload comes first.
  if (serving() != nullptr && !worker_->is_reachable()) host_.on_leaving(*this);
}

}  // namespace tcp_echo
