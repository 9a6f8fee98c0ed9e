// Fleet's part in lending: who needs somebody to accept for it, and carrying out what Loans decides.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "fleet_members.hpp"
#include "tcp_echo/base/text.hpp"

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;

// Starting a worker takes some milliseconds. Longer than this, clients should not wait for it.
constexpr auto kLendAfter = 200ms;

// A loan fails when the user's descriptors in flight are at their limit (ETOOMANYREFS, unix(7)), or when the
// borrower's channel is full.
constexpr auto kLoanRetry = 200ms;

// A worker that could not take a loan is not asked again before.
constexpr auto kRefusalHolds = 1s;

}  // namespace

/// The slot has no worker that accepts, and nobody starts one before `delay` has passed. Where that takes too
/// long, or it turns out to, another one accepts for it.
void Fleet::expect_service(Slot& slot, std::chrono::milliseconds delay) {
  if (slot.needs_borrower) return;
  const bool takes_too_long = delay >= kLendAfter;
  if (!takes_too_long && slot.unserved.is_running()) return;
  slot.unserved_for_sure = takes_too_long;
  slot.unserved.start(takes_too_long ? 0ms : kLendAfter);
}

/// A slot that was scaled away has no listeners at addresses that were added since.
bool Fleet::needs_borrower(const Slot& slot) const {
  return slot.needs_borrower && !generation_->listeners.of_slot(slot.index).empty();
}

bool Fleet::can_borrow(const Slot& slot) {
  return slot.state == SlotState::kServing && slot.worker->is_reachable();
}

void Fleet::settle_loans() {
  if (is_ending_ || is_changing_ || generation_->listeners.is_inherited()) return;
  std::vector<Lender> views;
  views.reserve(slots_.size());
  for (const auto& slot : slots_) {
    views.push_back({needs_borrower(*slot), can_borrow(*slot), loop_.now() < slot->may_borrow_from});
  }
  for (const auto& [lender, from, to] : loans_.settle(views)) {
    if (from && !take_back(lender, *from)) loans_.set_borrower(lender, from);
    if (to && !lend(lender, *to)) loans_.set_borrower(lender, std::nullopt);
  }
  const auto is_unsettled = [this](const auto& slot) {
    return needs_borrower(*slot) != loans_.borrower_of(slot->index).has_value();
  };
  if (anyone_serves() && std::any_of(slots_.begin(), slots_.end(), is_unsettled))
    loan_retry_.start(kLoanRetry);
}

bool Fleet::lend(std::size_t lender, std::size_t borrower) {
  const LendMessage message{static_cast<std::uint32_t>(lender + 1)};
  auto& worker = *slots_[borrower]->worker;
  if (auto told = worker.try_tell(message, generation_->listeners.of_slot(static_cast<unsigned>(lender)));
      !told) {
    spdlog::warn("the listeners of worker {} cannot be lent to {}: {}{}", message.slot, worker.name(),
                 told.error().text, is_ending_ ? "" : "; trying again in " + format_duration(kLoanRetry));
    return false;
  }
  spdlog::info("the listeners of worker {} are lent to worker {}", message.slot, borrower + 1);
  return true;
}

bool Fleet::take_back(std::size_t lender, std::size_t borrower) {
  const TakeBackMessage message{static_cast<std::uint32_t>(lender + 1)};
  auto& worker = *slots_[borrower]->worker;
  if (auto told = worker.try_tell(message); !told) {
    spdlog::warn("{} cannot be told to give the listeners of worker {} back: {}; trying again in {}",
                 worker.name(), message.slot, told.error().text, format_duration(kLoanRetry));
    return false;
  }
  spdlog::info("worker {} serves its listeners again; worker {} gives them back", message.slot, borrower + 1);
  return true;
}

void Fleet::on_unserved(Slot& slot) {
  if (!std::exchange(slot.unserved_for_sure, true)) return slot.unserved.start(kSecondLook);
  slot.needs_borrower = true;
  settle_loans();
}

/// It is at its limit of open files: another one may have room, or this one later.
void Fleet::on_refused_loan(Slot& slot, const RefuseLoanMessage& message) {
  const std::size_t lender = message.slot - 1;
  if (lender >= slots_.size() || loans_.borrower_of(lender) != slot.index) return;
  spdlog::warn("{} cannot take the listeners of worker {}: it has no room for them", slot.worker->name(),
               message.slot);
  // The refusal may be that of an earlier loan, which was taken back, and this one may have been accepted.
  slot.worker->tell(TakeBackMessage{message.slot});
  slot.may_borrow_from = loop_.now() + kRefusalHolds;
  loans_.set_borrower(lender, std::nullopt);
  emptiers_.release(lender, slot.index);
  settle_loans();
  if (is_ending_) leave();
}

}  // namespace tcp_echo
