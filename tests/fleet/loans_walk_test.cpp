// Random needs against the loans: whoever needs a borrower has one if anybody can be it, and nobody else has.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include "fleet/loans.hpp"
#include "support/dice.hpp"

namespace tcp_echo::test {
namespace {

/// Master and workers as far as loans go: what changes were told to whom, and what did not arrive.
class Bank {
 public:
  explicit Bank(Dice dice)
      : dice_(dice), slots_(dice_.between(1, 6)), loans_(slots_.size()), told_(slots_.size()) {}

  void step() {
    if (slots_.size() < kMostSlots && dice_.once_in(100)) add_slot();
    change(dice_.one_of(slots_));
    if (dice_.once_in(10)) lose_process(dice_.below(slots_.size()));
    carry_out(loans_.settle(slots_));
  }

  /// The next settle() finds everything told.
  void expect_settled() {
    lossy_ = false;
    carry_out(loans_.settle(slots_));
    for (std::size_t lender = 0; lender < slots_.size(); ++lender) expect_settled(lender);
    EXPECT_TRUE(loans_.settle(slots_).empty()) << "there is nothing left to change";
  }

 private:
  static constexpr std::size_t kMostSlots = 8;

  void add_slot() {
    slots_.emplace_back();
    told_.emplace_back();
    loans_.grow_to(slots_.size());
  }

  void change(Lender& slot) {
    slot.serves = !dice_.once_in(3);
    slot.needs = !slot.serves && dice_.once_in(2);
    slot.is_full = dice_.once_in(4);
  }

  /// Another one may have its place at once, so that settle() never sees the slot without a worker.
  void lose_process(std::size_t borrower) {
    loans_.forget_borrower(borrower);
    std::replace(told_.begin(), told_.end(), std::optional(borrower), std::optional<std::size_t>());
  }

  /// As Fleet does: whatever cannot be told is set back, and tried again by the next settle().
  void carry_out(const std::vector<LoanChange>& changes) {
    forget_those_of_the_dead();
    for (const auto& [lender, from, to] : changes) {
      ASSERT_TRUE(from || to);
      if (from) {
        ASSERT_EQ(told_[lender], from) << "only who has the listeners can give them back";
        if (arrives()) {
          told_[lender].reset();
        } else {
          loans_.set_borrower(lender, from);
        }
      }
      if (to) {
        ASSERT_FALSE(told_[lender]) << "two would accept for slot " << lender;
        ASSERT_TRUE(slots_[*to].serves && !slots_[*to].is_full);
        if (arrives()) {
          told_[lender] = to;
        } else {
          loans_.set_borrower(lender, std::nullopt);
        }
      }
    }
  }

  /// A worker that serves no more has lost its loans: it is dying, or leaves.
  void forget_those_of_the_dead() {
    for (auto& borrower : told_) {
      if (borrower && !slots_[*borrower].serves) borrower.reset();
    }
  }

  void expect_settled(std::size_t lender) {
    const auto borrower = loans_.borrower_of(lender);
    EXPECT_EQ(borrower, told_[lender]);
    if (!slots_[lender].needs || borrower) {
      EXPECT_EQ(borrower.has_value(), slots_[lender].needs) << lender;
      EXPECT_TRUE(!borrower || slots_[*borrower].serves) << lender;
      EXPECT_NE(borrower, lender);
      return;
    }
    for (std::size_t other = 0; other < slots_.size(); ++other) {
      EXPECT_TRUE(other == lender || !slots_[other].serves || slots_[other].is_full)
          << other << " could have accepted for " << lender;
    }
  }

  bool arrives() { return !lossy_ || !dice_.once_in(5); }

  Dice dice_;
  std::vector<Lender> slots_;
  Loans loans_;
  std::vector<std::optional<std::size_t>> told_;  ///< by lender: whose worker has the listeners
  bool lossy_ = true;
};

TEST(LoansWalk, WhoNeedsABorrowerHasOneAndNobodyElseHas) {
  take_walks(2000, [](Dice dice) {
    Bank bank(dice);
    for (int step = 0; step < 100; ++step) bank.step();
    bank.expect_settled();
  });
}

TEST(LoansWalk, NewLoansAreSpreadEvenly) {
  take_walks(10'000, [](Dice dice) {
    std::vector<Lender> slots(dice.between(2, 12));
    for (auto& slot : slots) {
      slot.serves = dice.once_in(2);
      slot.needs = !slot.serves;
    }
    Loans loans(slots.size());
    loans.settle(slots);
    std::vector<std::size_t> counts(slots.size());
    for (std::size_t lender = 0; lender < slots.size(); ++lender) {
      if (const auto borrower = loans.borrower_of(lender)) ++counts[*borrower];
    }
    std::vector<std::size_t> of_those_who_serve;
    for (std::size_t slot = 0; slot < slots.size(); ++slot) {
      if (slots[slot].serves) of_those_who_serve.push_back(counts[slot]);
    }
    if (of_those_who_serve.empty()) return;
    const auto [least, most] = std::minmax_element(of_those_who_serve.begin(), of_those_who_serve.end());
    ASSERT_LE(*most - *least, 1U);
  });
}

}  // namespace
}  // namespace tcp_echo::test
