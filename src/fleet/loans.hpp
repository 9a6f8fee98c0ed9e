// Which slot's worker accepts for which slot: the listeners of a slot that has no worker are lent to another
// one's, so that no client waits for a backoff or for a worker that hangs. Pure: the caller carries the
// changes out.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

namespace tcp_echo {

/// A slot as far as loans go.
struct Lender {
  bool needs = false;    ///< no worker has accepted for it for a while
  bool serves = false;   ///< its worker serves, and could accept for others
  bool is_full = false;  ///< its worker can keep what it has, but take no more
};

struct LoanChange {
  std::size_t lender = 0;
  std::optional<std::size_t> from;  ///< the slot whose worker gives the listeners back
  std::optional<std::size_t> to;    ///< the slot whose worker gets them
  bool operator==(const LoanChange&) const = default;
};

class Loans {
 public:
  explicit Loans(std::size_t slots) : borrowers_(slots) {}

  /// Slots may be added, never taken away.
  void grow_to(std::size_t slots) { borrowers_.resize(std::max(slots, borrowers_.size())); }

  /// The worker that had borrowed for others has left that slot, and its loans with it.
  void forget_borrower(std::size_t borrower) noexcept {
    for (auto& each : borrowers_) {
      if (each == borrower) each.reset();
    }
  }

  /// What has to change, so that each slot in need has a borrower that serves, if there is one, and no other
  /// slot has any. A borrower that serves no more has lost its loans. New loans go to the worker that has the
  /// fewest.
  std::vector<LoanChange> settle(const std::vector<Lender>& slots);

  /// A change did not reach the borrower, so this is how things are: the next settle() tries again.
  void set_borrower(std::size_t lender, std::optional<std::size_t> borrower) noexcept {
    borrowers_[lender] = borrower;
  }

  /// The slot whose worker accepts for that one.
  std::optional<std::size_t> borrower_of(std::size_t lender) const noexcept { return borrowers_[lender]; }

 private:
  std::optional<std::size_t> best_borrower(const std::vector<Lender>& slots, std::size_t lender) const;

  std::vector<std::optional<std::size_t>> borrowers_;  ///< by lender
};

}  // namespace tcp_echo
