#include "loans.hpp"

#include <algorithm>

namespace tcp_echo {

std::vector<LoanChange> Loans::settle(const std::vector<Lender>& slots) {
  std::vector<LoanChange> changes;
  for (auto& borrower : borrowers_) {
    if (borrower && !slots[*borrower].serves) borrower.reset();
  }
  for (std::size_t lender = 0; lender < slots.size(); ++lender) {
    auto& borrower = borrowers_[lender];
    if (slots[lender].needs == borrower.has_value()) continue;
    LoanChange change{lender, borrower, std::nullopt};
    if (slots[lender].needs) change.to = best_borrower(slots, lender);
    borrower = change.to;
    if (change.from || change.to) changes.push_back(change);
  }
  return changes;
}

std::optional<std::size_t> Loans::best_borrower(const std::vector<Lender>& slots, std::size_t lender) const {
  std::optional<std::size_t> best;
  const auto loans_of = [this](std::size_t slot) {
    return std::count(borrowers_.begin(), borrowers_.end(), std::optional(slot));
  };
  for (std::size_t slot = 0; slot < slots.size(); ++slot) {
    if (slot == lender || !slots[slot].serves || slots[slot].is_full) continue;
    if (!best || loans_of(slot) < loans_of(*best)) best = slot;
  }
  return best;
}

}  // namespace tcp_echo
