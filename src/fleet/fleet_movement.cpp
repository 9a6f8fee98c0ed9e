// Fleet's part in movements: successors beside those that serve, and the moment in which they take their
// places.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "fleet_members.hpp"
#include "tcp_echo/base/text.hpp"

namespace tcp_echo {
namespace {

// Other jobs wait for the end of a clearing, which takes a moment unless its worker is at a limit.
constexpr std::chrono::milliseconds kLongestClearing{10'000};

}  // namespace

void Fleet::move(Movement movement) {
  movement_.emplace(std::move(movement));
  late_for_sure_ = false;
  while (slots_.size() < movement_->workers)
    slots_.push_back(std::make_unique<Slot>(*this, static_cast<unsigned>(slots_.size())));
  loans_.grow_to(slots_.size());
  for (const auto index : movement_->renewed) {
    auto& slot = *slots_[index];
    auto started = start_process(slot, *movement_->generation, true);
    if (!started) {
      return fail_movement({started.error().code,
                            fmt::format("worker {} cannot be started: {}", index + 1, started.error().text)});
    }
    slot.candidate = std::move(*started);
    slot.candidate_wants_successor = false;
  }
  if (movement_->renewed.empty()) return change();
  candidates_late_.start(movement_->generation->config.ready_timeout);
}

void Fleet::on_candidate_message(Slot& slot, const Message& message) {
  if (std::holds_alternative<LeavingMessage>(message)) {  // somebody has sent it a signal already
    slot.candidate_wants_successor = true;
    return;
  }
  if (!std::holds_alternative<ReadyMessage>(message)) {
    spdlog::error("{} sent a message before its time; killing it", slot.candidate->name());
    return slot.candidate->kill(SIGKILL);
  }
  slot.candidate->note_ready();
  const bool all_are_ready = std::all_of(slots_.begin(), slots_.end(), [](const auto& each) {
    return each->candidate == nullptr || each->candidate->was_ready();
  });
  if (all_are_ready) change();
}

void Fleet::on_candidates_late() {
  if (!std::exchange(late_for_sure_, true)) return candidates_late_.start(kSecondLook);
  const auto late = std::find_if(slots_.begin(), slots_.end(), [](const auto& slot) {
    return slot->candidate != nullptr && !slot->candidate->was_ready();
  });
  fail_movement({ExitCode::kTemporary,
                 fmt::format("{} is not ready after {} (--ready-timeout)", (*late)->candidate->name(),
                             format_duration(movement_->generation->config.ready_timeout))});
}

/// From here on nothing fails any more.
void Fleet::change() {
  if (auto ready = movement_->before_change(); !ready) return fail_movement(ready.error());
  const auto movement = std::move(*movement_);
  movement_.reset();
  candidates_late_.stop();
  is_changing_ = true;
  const auto former = std::exchange(generation_, movement.generation);
  const auto removed = former->listeners.without(generation_->listeners);
  for (const auto& address : removed) ListenerSet::refuse_handshakes(address);
  for (const auto index : movement.renewed) handle(*slots_[index], SlotEvent::kSucceeded);
  for (std::size_t i = movement.workers; i < slots_.size(); ++i) handle(*slots_[i], SlotEvent::kDismissed);
  is_changing_ = false;
  begin_to_watch();
  clearings_.add(removed, std::min(config().shutdown_timeout, kLongestClearing));
  for (const auto& leaver : leavers_) {
    if (!leaver->successor) hand_over(*leaver);
  }
  settle_loans();
  handlers_.on_change();
  movement.on_done({});
}

/// The candidates have served nobody.
void Fleet::fail_movement(const Error& error) {
  const auto movement = std::move(*movement_);
  movement_.reset();
  candidates_late_.stop();
  for (const auto& slot : slots_) {
    if (slot->candidate != nullptr) stop_leaver(let_leave(*slot, std::move(slot->candidate)));
  }
  movement.on_done(tl::unexpected(error));
}

void Fleet::install(Slot& slot) {
  clear_place(slot);
  slot.worker = std::move(slot.candidate);
  slot.backoff = Backoff(config().respawn_delay_min, config().respawn_delay_max);
  slot.needs_borrower = false;
  slot.was_ever_ready = true;
  slot.worker->tell(AcceptMessage{});
  if (std::exchange(slot.candidate_wants_successor, false))
    handlers_.on_leaving(slot.index, slot.worker->pid());
}

void Fleet::dismiss(Slot& slot) {
  clear_place(slot);
  slot.needs_borrower = true;
}

/// Who had the place leaves, and what was under way for it is over.
void Fleet::clear_place(Slot& slot) {
  const bool is_hung = slot.patience.is_running();
  slot.late.stop();
  slot.delay.stop();
  slot.patience.stop();
  slot.unserved.stop();
  loans_.forget_borrower(slot.index);
  if (slot.worker == nullptr) return;
  auto& leaver = let_leave(slot, std::move(slot.worker));
  if (is_hung) expect_death(leaver);  // it was sent SIGABRT
}

}  // namespace tcp_echo
