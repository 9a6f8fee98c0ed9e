#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "bench/results.hpp"
#include "bench/runs.hpp"

namespace tcp_echo::bench {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// Of fifteen pairs two are dropped, in which the peer failed.
Comparison thirteen_of_fifteen(const std::string& complaint = "FAILED: 2 reset") {
  auto pairs = clean_pairs(15);
  pairs[2].theirs = pairs[3].theirs = failed_run(10, complaint);
  return comparison_of(pairs);
}

Comparison none_clean() {
  auto comparison = comparison_of(clean_pairs(3));
  for (auto& pair : comparison.pairs) pair.theirs = failed_run(0);
  return comparison;
}

TEST(BenchReport, ARowSaysHowManyPairsCountAndWithWhichConfidence) {
  const auto results = results_of(comparison_of(clean_pairs(15)));
  EXPECT_THAT(markdown(results), HasSubstr("| raw-epoll | 15 | 2,000  echoes/s | 1,000  echoes/s | "
                                           "2.000 [2.000, 2.000] | 96.5 % | 2.000 [2.000, 2.000] |"));
  EXPECT_THAT(table_row(results.comparisons[0]), AllOf(HasSubstr(" 15 "), HasSubstr(" 96.5 % ")));
}

TEST(BenchReport, ARowWithDroppedPairsHasTheConfidenceOfThoseThatAreLeft) {
  const auto row = thirteen_of_fifteen();
  EXPECT_THAT(markdown(results_of(row)), AllOf(HasSubstr("| 13 of 15 |"), HasSubstr("| 97.8 % |")));
  EXPECT_THAT(table_row(row), AllOf(HasSubstr(" 13 of 15 "), HasSubstr(" 97.8 % ")));
}

TEST(BenchReport, ARatioOfFewerPairsThanTheRowSaysSo) {
  auto comparison = comparison_of(clean_pairs(15));
  for (std::size_t i = 0; i < 9; ++i) comparison.pairs[i].ours.server_busy = std::nullopt;
  EXPECT_THAT(markdown(results_of(comparison)),
              HasSubstr("| 96.5 % | 2.000 [2.000, 2.000] (6 pairs, 96.9 %) |"));
}

TEST(BenchReport, WithoutACleanPairARowHasNoFigure) {
  EXPECT_THAT(markdown(results_of(none_clean())),
              HasSubstr("| 0 of 3 | - | - | no clean pair | - | - | -, - |\n"));
  EXPECT_THAT(table_row(none_clean()), AllOf(HasSubstr(" 0 of 3 "), HasSubstr("no clean pair"),
                                             Not(HasSubstr("0.000")), Not(HasSubstr("0 %"))));
}

TEST(BenchReport, UnderTheTableStandsWhatWasDroppedAndWhy) {
  const auto results = results_of(thirteen_of_fifteen());
  EXPECT_THAT(markdown(results),
              HasSubstr("\n\nDropped because a run failed, each with the other run of its pair:\n\n"
                        "- 50 connections, 64 B, against raw-epoll: raw-epoll, pairs 3-4 "
                        "(2 runs): `FAILED: 2 reset`\n\n"));
  EXPECT_THAT(faults(results), HasSubstr("\n  50 connections, 64 B, against raw-epoll: raw-epoll, pairs 3-4 "
                                         "(2 runs): FAILED: 2 reset\n"));
  EXPECT_THAT(table_row(results.comparisons[0]),
              HasSubstr("\n    dropped: raw-epoll, pairs 3-4 (2 runs): FAILED: 2 reset\n"));
}

TEST(BenchReport, NothingDroppedIsNotMentioned) {
  const auto results = results_of(comparison_of(clean_pairs(2)));
  EXPECT_EQ(faults(results), "");
  EXPECT_THAT(markdown(results), Not(HasSubstr("ropped")));
}

TEST(BenchReport, ManyDifferentComplaintsAreCutShort) {
  auto pairs = clean_pairs(100);
  for (std::size_t i = 0; i < pairs.size(); ++i)
    pairs[i].theirs = failed_run(0, "FAILED: " + std::to_string(i) + " reset");
  const auto text = faults(results_of(comparison_of(pairs)));
  EXPECT_THAT(text, AllOf(HasSubstr("FAILED: 7 reset"), Not(HasSubstr("FAILED: 8 reset")),
                          HasSubstr("92 more runs with other complaints: see the JSON")));
}

TEST(BenchReport, AComplaintBreaksNeitherTheTableNorTheTerminal) {
  const auto results = results_of(thirteen_of_fifteen("a | b `c` \x1b[2J\n| d |"));
  const auto text = markdown(results);
  EXPECT_THAT(text, HasSubstr("(2 runs): `a | b 'c' \\x1b[2J\\n| d |`\n"));
  EXPECT_THAT(faults(results), HasSubstr("a | b `c` \\x1b[2J\\n| d |\n"));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto cell_ends = std::count(line.begin(), line.end(), '|');
    EXPECT_TRUE(!line.starts_with("|") || cell_ends == 10) << line;
  }
}

TEST(BenchReport, AServerThatDidNotStartIsNamedOnceWithAllItsCases) {
  auto results = results_of(comparison_of(clean_pairs(2)));
  results.failures = {{"node", "1 connection, 64 B", "node does not serve: no\nroom"},
                      {"node", "50 connections, 64 B", "node does not serve: no\nroom"}};
  EXPECT_THAT(markdown(results),
              HasSubstr("\nNot measured:\n\n- node, 1 connection, 64 B; 50 connections, 64 B: "
                        "`node does not serve: no\\nroom`\n"));
  EXPECT_THAT(faults(results),
              HasSubstr("\n  node, 1 connection, 64 B; 50 connections, 64 B: node does not"));
}

TEST(BenchReport, AnInterruptedBenchmarkSaysThatPartIsMissing) {
  auto results = results_of(comparison_of(clean_pairs(2)));
  results.is_interrupted = true;
  EXPECT_THAT(faults(results), HasSubstr("Interrupted: "));
}

}  // namespace
}  // namespace tcp_echo::bench
