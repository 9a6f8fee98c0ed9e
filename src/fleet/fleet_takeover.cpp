// Fleet's part in an upgrade: what one program leaves to the next.
#include <fcntl.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <memory>
#include <utility>

#include "fleet_members.hpp"

namespace tcp_echo {

using namespace std::chrono_literals;

FleetRecord Fleet::record() const {
  FleetRecord record;
  for (const auto& slot : slots_) {
    auto& entry = record.slots.emplace_back(
        SlotRecord{slot->state, std::nullopt, slot->needs_borrower, loans_.borrower_of(slot->index)});
    if (slot->worker != nullptr) entry.worker = slot->worker->record();
  }
  for (const auto& leaver : leavers_)
    record.leavers.push_back({leaver->index, leaver->stage, leaver->worker->record()});
  return record;
}

/// The record keeps its descriptors: should this fail, the former program needs them.
std::unique_ptr<WorkerProcess> Fleet::adopt(Slot& slot, const WorkerRecord& record) {
  UniqueFd control;
  if (record.control >= 0) {
    control = UniqueFd(::fcntl(record.control, F_DUPFD_CLOEXEC, 0));
    if (!control) throw FatalError(system_error("take a control channel over", errno));
  }
  blocks_in_use_.at(record.block) = true;
  return WorkerProcess::adopt(loop_, resources_, *generation_, slot.index, record, std::move(control),
                              handlers_for(slot, record.block));
}

void Fleet::take_over(const FleetRecord& record) {
  all_were_ready_ = true;
  for (const auto& slot : slots_) take_over(*slot, record.slots.at(slot->index));
  for (const auto& former : record.leavers) {
    auto& slot = *slots_.at(former.slot);
    auto& leaver = let_leave(slot, adopt(slot, former.worker));
    switch (leaver.stage = former.stage) {
      case LeaverStage::kMoving:
      case LeaverStage::kStuck: try_again(leaver); break;
      case LeaverStage::kDraining: drain_leaver(leaver, config().shutdown_timeout); break;
      case LeaverStage::kDying: expect_death(leaver); break;
    }
  }
  begin_to_watch();
}

void Fleet::take_over(Slot& slot, const SlotRecord& record) {
  slot.state = record.state;
  if (slot.state != SlotState::kEmpty) slots_with_a_past_ = std::max(slots_with_a_past_, slot.index + 1);
  slot.was_ever_ready = true;
  slot.needs_borrower = record.needs_borrower;
  loans_.set_borrower(slot.index, record.borrower);
  if (record.worker) slot.worker = adopt(slot, *record.worker);
  switch (slot.state) {
    case SlotState::kWaiting:
      slot.delay.start(config().respawn_delay_min);
      expect_service(slot, config().respawn_delay_min);
      break;
    case SlotState::kStarting:
      slot.late.start(config().ready_timeout);
      expect_service(slot, 0ms);
      break;
    case SlotState::kHung: slot.patience.start(kPatienceAfterAbort); break;
    case SlotState::kEmpty:
    case SlotState::kServing:
    case SlotState::kRetired:
    case SlotState::kEmptying:
    case SlotState::kEmptyingAgain:
    case SlotState::kStopping:
    case SlotState::kGone: break;
  }
  publish(slot);
  // Whoever does not understand us is replaced, unless a reload comes first.
  if (slot.state == SlotState::kServing && !slot.worker->is_reachable())
    handlers_.on_leaving(slot.index, slot.worker->pid());
}

}  // namespace tcp_echo
