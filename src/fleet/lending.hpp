// Lends the listeners of a slot that has no worker to the worker of another one, and takes them back: what
// Loans decides is carried out here.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "household.hpp"
#include "loans.hpp"
#include "tcp_echo/loop/timer.hpp"

namespace tcp_echo {

class Lending {
 public:
  /// Both outlive it.
  Lending(Timekeeper& clock, const Crew& crew);

  /// There are so many slots now.
  void grow_to(std::size_t slots);
  /// Makes all loans as they should be, as far as that can be done now; the rest soon.
  void settle();
  /// The same in a moment.
  void settle_soon();
  /// Loans stay as they are from now on, but for those that are made one by one.
  void end();
  /// One loan more, to the worker of slot `borrower`, which need not serve. False if it could not be told.
  bool lend(std::size_t lender, std::size_t borrower, Child& worker);
  /// The worker of slot `borrower` had no room for the listeners. False if they are not its concern any more.
  bool on_refused(std::size_t lender, std::size_t borrower, Child& worker);
  /// That slot has another worker now, or none: what its former one had borrowed is not borrowed any more.
  void forget_borrower(std::size_t slot) noexcept { loans_.forget_borrower(slot); }

  /// The slot whose worker accepts for that one.
  std::optional<std::size_t> borrower_of(std::size_t lender) const noexcept {
    return loans_.borrower_of(lender);
  }
  /// As the program before this one (an upgrade) has left it.
  void restore(std::size_t lender, std::optional<std::size_t> borrower) {
    loans_.set_borrower(lender, borrower);
    lent_[lender] = listeners_of(lender);
  }

 private:
  /// A worker that could not take a loan is not asked again before that time.
  struct Refusal {
    pid_t worker = 0;
    std::chrono::milliseconds holds_until{};
  };
  bool is_full(std::size_t slot) const;
  /// The worker of that slot, if it can be lent to.
  Child* able(std::size_t slot) const;
  static bool take_back(std::size_t lender, Child& worker);
  bool needs_borrower(std::size_t slot) const;
  std::vector<ListenerId> listeners_of(std::size_t slot) const {
    return crew_.generation().listeners.ids_of_slot(static_cast<unsigned>(slot));
  }
  void end_loan(std::size_t lender, std::size_t borrower);
  void end_outdated_loans();
  bool is_outdated(std::size_t lender) const;
  std::vector<Lender> lenders() const;
  bool is_settled() const;

  Timekeeper& clock_;
  const Crew& crew_;
  Loans loans_{0};
  std::vector<std::vector<ListenerId>> lent_;  ///< what each slot's borrower has got
  std::vector<Refusal> refusals_;              ///< by slot
  bool has_ended_ = false;
  Timer retry_;
};

}  // namespace tcp_echo
