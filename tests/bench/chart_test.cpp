#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/results.hpp"
#include "bench/runs.hpp"

namespace tcp_echo::bench {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Comparison none_clean_of_two() {
  return comparison_of({{clean_run(2000), failed_run(0)}, {clean_run(2000), failed_run(0)}});
}

TEST(BenchChart, SaysOnHowManyPairsABarRests) {
  auto pairs = clean_pairs(15);
  pairs[2].theirs = failed_run(10);
  auto results = results_of(comparison_of(pairs));
  EXPECT_THAT(chart(results),
              AllOf(HasSubstr(">2.00 (14 of 15)<"), HasSubstr("Medians of 14 pairs; lines: 98.7 %")));
  results.comparisons.push_back(comparison_of(clean_pairs(15)));
  EXPECT_THAT(chart(results),
              AllOf(HasSubstr(">2.00<"), HasSubstr("Medians of 14 to 15 pairs; lines: at least 96.5 %")));
}

TEST(BenchChart, AComparisonWithoutACleanPairHasNoBarButIsNamed) {
  const auto picture = chart(results_of(none_clean_of_two()));
  EXPECT_THAT(picture,
              AllOf(HasSubstr(">raw-epoll<"), HasSubstr(">no clean pair<"), HasSubstr("No pair ran clean."),
                    Not(HasSubstr("<rect")), Not(HasSubstr("0.00"))));
}

TEST(BenchChart, AComparisonWithoutACleanPairDoesNotStretchTheAxis) {
  auto results = results_of(comparison_of(clean_pairs(15)));
  results.comparisons.push_back(none_clean_of_two());
  EXPECT_THAT(chart(results), Not(HasSubstr(">0.1</text>")));
}

}  // namespace
}  // namespace tcp_echo::bench
