#include "ending.hpp"

#include <algorithm>
#include <optional>
#include <span>

#include "roster.hpp"

namespace tcp_echo {
namespace {

/// The slot whose worker empties the listeners of `slot`, if any does.
std::optional<std::size_t> emptier_of(const Slot& slot, std::optional<std::size_t> borrower,
                                      const Roster& roster) {
  if (slot.state() == SlotState::kServing || slot.state() == SlotState::kStarting) return slot.index();
  const auto* const worker = borrower ? roster.serving(*borrower) : nullptr;
  return worker != nullptr && worker->is_reachable() ? borrower : std::nullopt;
}

}  // namespace

/// Inherited listeners stay open in the process that passed them to us, and so do their accept queues.
void Ending::expect_emptiers(const Roster& roster) {
  const auto& listeners = roster.generation().listeners;
  if (listeners.is_inherited()) return;
  for (const auto& slot : roster.slots()) {
    if (listeners.of_slot(slot->index()).empty()) continue;
    emptiers_.expect(slot->index());
    const auto emptier = emptier_of(*slot, lending_.borrower_of(slot->index()), roster);
    if (emptier) emptiers_.assign(slot->index(), *emptier);
  }
}

void Ending::entrust(const Slot& slot) {
  emptiers_.assign(slot.index(), slot.index());  // the worker was started with these listeners
  auto& worker = *slot.worker();
  for (const auto lender : emptiers_.unassigned()) {
    if (lending_.lend(lender, slot.index(), worker)) emptiers_.assign(lender, slot.index());
  }
  clearings_.entrust_to([&worker](const ClearMessage& message, std::span<const int> descriptors) {
    return worker.try_tell(message, descriptors) ? &worker : nullptr;
  });
}

void Ending::on_emptied(const Slot& slot) { emptiers_.on_emptied(slot.index()); }

void Ending::on_worker_ended(const Slot& slot) { emptiers_.on_gone(slot.index()); }

void Ending::on_refused_loan(const Slot& slot, std::size_t lender) {
  emptiers_.release(lender, slot.index());
}

Slot* Ending::next_to_drain(const Roster& roster) const {
  const auto unassigned = emptiers_.unassigned();
  if (time_left().count() <= 0 || (unassigned.empty() && !clearings_.has_unassigned())) return nullptr;
  Slot* found = nullptr;
  for (const auto& slot : roster.slots()) {
    if (slot->state() != SlotState::kGone) continue;
    if (std::binary_search(unassigned.begin(), unassigned.end(), slot->index())) return slot.get();
    if (found == nullptr) found = slot.get();
  }
  return found;
}

}  // namespace tcp_echo
