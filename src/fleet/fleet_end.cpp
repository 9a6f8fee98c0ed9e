// Fleet's part in the end of the service: no client is reset that was connected before, whichever workers die
// meanwhile.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "fleet_members.hpp"

namespace tcp_echo {

using namespace std::chrono_literals;

/// Slots that were scaled away come last: a worker that is started for another slot takes their listeners
/// too.
void Fleet::drain() {
  is_ending_ = true;
  if (movement_) fail_movement({ExitCode::kTemporary, "the service stops"});
  end_by_ = loop_.now() + config().shutdown_timeout;
  expect_emptiers();
  for (const auto& leaver : leavers_) {
    if (wants_successor(*leaver)) drain_leaver(*leaver, config().shutdown_timeout);
  }
  const auto is_retired = [](const Slot& slot) { return slot.state == SlotState::kRetired; };
  for (const auto& slot : slots_) {
    if (!is_retired(*slot)) handle(*slot, SlotEvent::kDrain);
  }
  for (const auto& slot : slots_) {
    if (is_retired(*slot)) handle(*slot, SlotEvent::kDrain);
  }
}

void Fleet::stop() {
  is_ending_ = true;
  end_by_ = 0ms;
  if (movement_) fail_movement({ExitCode::kTemporary, "the service stops"});
  for (const auto& slot : slots_) handle(*slot, SlotEvent::kStop);
  for (const auto& leaver : leavers_) {
    if (leaver->stage != Leaver::Stage::kDying) stop_leaver(*leaver);
  }
}

/// Every worker empties its own queues, and those that it has borrowed. Inherited listeners stay open.
void Fleet::expect_emptiers() {
  if (generation_->listeners.is_inherited()) return;
  for (const auto& slot : slots_) {
    if (generation_->listeners.of_slot(slot->index).empty()) continue;
    emptiers_.expect(slot->index);
    const auto borrower = loans_.borrower_of(slot->index);
    if (slot->state == SlotState::kServing || slot->state == SlotState::kStarting) {
      emptiers_.assign(slot->index, slot->index);
    } else if (borrower && can_borrow(*slots_[*borrower])) {
      emptiers_.assign(slot->index, *borrower);
    }
  }
}

/// Clients may wait on listeners that no worker empties: those of this slot, or others.
void Fleet::spawn_to_drain(Slot& slot) {
  slot.was_spawned_to_drain = true;
  slot.delay.stop();
  if (loop_.now() >= end_by_) return handle(slot, SlotEvent::kFailed);  // it would come too late
  if (auto spawned = try_spawn(slot); !spawned) {
    spdlog::error("worker {} cannot be started: {}; clients that wait for it may be lost", slot.index + 1,
                  spawned.error().text);
    return handle(slot, SlotEvent::kFailed);
  }
  entrust_what_nobody_empties(slot);
  tell_drain(*slot.worker);
}

/// Before it is told to drain: it may be through with that, and gone, before it reads more.
void Fleet::entrust_what_nobody_empties(Slot& slot) {
  emptiers_.assign(slot.index, slot.index);  // it was started with those
  for (const auto lender : emptiers_.unassigned()) {
    if (!lend(lender, slot.index)) continue;
    loans_.set_borrower(lender, slot.index);
    emptiers_.assign(lender, slot.index);
  }
  clearings_.entrust_to([&slot](const ClearMessage& message, std::span<const int> descriptors) {
    const auto told = slot.worker->try_tell(message, descriptors);
    return told ? std::optional(slot.worker->block()) : std::nullopt;
  });
}

void Fleet::tell_drain(WorkerProcess& worker) const {
  const auto left = std::max<std::chrono::milliseconds>(end_by_ - loop_.now(), 0ms);
  worker.tell_to_end(DrainMessage{static_cast<std::uint64_t>(left.count())});
}

void Fleet::tell_stop(Slot& slot) {
  if (!slot.patience.is_running()) slot.patience.start(kPatience);  // asking again must not put the kill off
  slot.worker->tell_to_end(StopMessage{});
}

void Fleet::leave() {
  if (auto* const slot = find_one_to_drain()) return handle(*slot, SlotEvent::kDrain);
  const bool all_gone = leavers_.empty() && std::all_of(slots_.begin(), slots_.end(), [](const auto& slot) {
                          return slot->state == SlotState::kGone;
                        });
  if (all_gone) handlers_.on_all_gone();
}

/// A slot in which another worker is to be started, because nobody empties some listeners: best one whose
/// own listeners are among them. Nothing if there are none, or if it was tried in every slot.
Fleet::Slot* Fleet::find_one_to_drain() {
  const auto unassigned = emptiers_.unassigned();
  if (loop_.now() >= end_by_ || (unassigned.empty() && !clearings_.has_unassigned())) return nullptr;
  Slot* found = nullptr;
  for (const auto& slot : slots_) {
    if (slot->state != SlotState::kGone || slot->was_spawned_to_drain) continue;
    if (std::binary_search(unassigned.begin(), unassigned.end(), slot->index)) return slot.get();
    if (found == nullptr) found = slot.get();
  }
  return found;
}

}  // namespace tcp_echo
