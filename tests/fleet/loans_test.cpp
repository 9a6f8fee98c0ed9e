#include "fleet/loans.hpp"

#include <gtest/gtest.h>

namespace tcp_echo::test {
namespace {

constexpr Lender kServes{.needs = false, .serves = true};
constexpr Lender kNeeds{.needs = true, .serves = false};
constexpr Lender kStarts{.needs = false, .serves = false};

using Changes = std::vector<LoanChange>;

TEST(Loans, LendsToOneThatServes) {
  Loans loans(2);
  EXPECT_EQ(loans.settle({kNeeds, kServes}), (Changes{{0, std::nullopt, 1}}));
  EXPECT_EQ(loans.borrower_of(0), 1U);
}

TEST(Loans, ChangeNothingWhileNobodyIsInNeed) {
  Loans loans(3);
  EXPECT_EQ(loans.settle({kServes, kStarts, kServes}), Changes{});
}

TEST(Loans, ChangeNothingTwice) {
  Loans loans(2);
  loans.settle({kNeeds, kServes});
  EXPECT_EQ(loans.settle({kNeeds, kServes}), Changes{});
}

TEST(Loans, WaitForSomebodyWhoCan) {
  Loans loans(2);
  EXPECT_EQ(loans.settle({kNeeds, kStarts}), Changes{});
  EXPECT_EQ(loans.settle({kNeeds, kServes}), (Changes{{0, std::nullopt, 1}}));
}

TEST(Loans, ComeBackWhenTheLenderServesAgain) {
  Loans loans(2);
  loans.settle({kNeeds, kServes});
  EXPECT_EQ(loans.settle({kServes, kServes}), (Changes{{0, 1, std::nullopt}}));
  EXPECT_EQ(loans.borrower_of(0), std::nullopt);
}

TEST(Loans, GoToAnotherWhenTheBorrowerIsLost) {
  Loans loans(3);
  loans.settle({kNeeds, kServes, kServes});
  EXPECT_EQ(loans.settle({kNeeds, kStarts, kServes}), (Changes{{0, std::nullopt, 2}}))
      << "the dead one gives nothing back";
}

TEST(Loans, OfALostBorrowerAreNotTakenForLentOnceItsSuccessorServes) {
  Loans loans(2);
  loans.settle({kNeeds, kServes});
  EXPECT_EQ(loans.settle({kNeeds, kStarts}), Changes{});
  EXPECT_EQ(loans.settle({kNeeds, kServes}), (Changes{{0, std::nullopt, 1}}));
}

TEST(Loans, SpreadOverTheBorrowers) {
  Loans loans(4);
  EXPECT_EQ(loans.settle({kNeeds, kNeeds, kServes, kServes}),
            (Changes{{0, std::nullopt, 2}, {1, std::nullopt, 3}}));
}

TEST(Loans, AreTriedAgainWhenOneDidNotReachItsBorrower) {
  Loans loans(2);
  loans.settle({kNeeds, kServes});
  loans.set_borrower(0, std::nullopt);
  EXPECT_EQ(loans.settle({kNeeds, kServes}), (Changes{{0, std::nullopt, 1}}));
}

TEST(Loans, AreTakenBackAgainWhenTheBorrowerDidNotHearOfIt) {
  Loans loans(2);
  loans.settle({kNeeds, kServes});
  loans.settle({kServes, kServes});
  loans.set_borrower(0, 1);
  EXPECT_EQ(loans.settle({kServes, kServes}), (Changes{{0, 1, std::nullopt}}));
}

TEST(Loans, GoToNobodyWhoIsFullButStayWhereTheyAre) {
  constexpr Lender kFull{.needs = false, .serves = true, .is_full = true};
  Loans loans(3);
  loans.settle({kNeeds, kServes, kStarts});
  EXPECT_EQ(loans.settle({kNeeds, kFull, kNeeds}), Changes{});
  EXPECT_EQ(loans.borrower_of(0), 1U);
  EXPECT_EQ(loans.settle({kNeeds, kServes, kNeeds}), (Changes{{2, std::nullopt, 1}}));
}

TEST(Loans, NeverGoToTheLenderItself) {
  Loans loans(1);
  EXPECT_EQ(loans.settle({{.needs = true, .serves = true}}), Changes{});
}

TEST(Loans, OfSlotsThatWereAddedBeginWithNone) {
  Loans loans(2);
  loans.settle({kNeeds, kServes});
  loans.grow_to(4);
  EXPECT_EQ(loans.borrower_of(0), 1U);
  EXPECT_EQ(loans.borrower_of(3), std::nullopt);
  EXPECT_EQ(loans.settle({kNeeds, kServes, kServes, kNeeds}), (Changes{{3, std::nullopt, 2}}));
}

TEST(Loans, StayWhenSlotsAreTakenAway) {
  Loans loans(3);
  loans.settle({kServes, kStarts, kNeeds});
  loans.grow_to(1);
  EXPECT_EQ(loans.borrower_of(2), 0U);
}

TEST(Loans, AreMadeAnewWhenAnotherProcessServesInTheBorrowersSlot) {
  Loans loans(4);
  loans.settle({kNeeds, kNeeds, kServes, kServes});
  loans.forget_borrower(2);
  EXPECT_EQ(loans.borrower_of(0), std::nullopt);
  EXPECT_EQ(loans.borrower_of(1), 3U) << "that one still has its loan";
  EXPECT_EQ(loans.settle({kNeeds, kNeeds, kServes, kServes}), (Changes{{0, std::nullopt, 2}}))
      << "the process that is gone gives nothing back";
}

TEST(Loans, AreNotTakenBackFromABorrowerThatWasForgotten) {
  Loans loans(2);
  loans.settle({kNeeds, kServes});
  loans.forget_borrower(1);
  EXPECT_EQ(loans.settle({kServes, kServes}), Changes{});
}

}  // namespace
}  // namespace tcp_echo::test
