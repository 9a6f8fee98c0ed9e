#include "bench/results.hpp"

#include <gtest/gtest.h>

#include "bench/runs.hpp"

namespace tcp_echo::bench {
namespace {

TEST(BenchExitCode, IsZeroIfEveryRunWasClean) {
  EXPECT_EQ(exit_code(results_of(comparison_of(clean_pairs(2)))), ExitCode::kOk);
  EXPECT_EQ(exit_code(Results()), ExitCode::kOk);
}

TEST(BenchExitCode, IsOneIfOneRunFailedOursOrThePeers) {
  auto pairs = clean_pairs(15);
  pairs[7].theirs = failed_run(1000);
  EXPECT_EQ(exit_code(results_of(comparison_of(pairs))), ExitCode::kFailed);
  pairs = clean_pairs(15);
  pairs[7].ours = failed_run(2000);
  EXPECT_EQ(exit_code(results_of(comparison_of(pairs))), ExitCode::kFailed);
}

TEST(BenchExitCode, IsOneForAComparisonWithoutAPair) {
  EXPECT_EQ(exit_code(results_of(comparison_of({}))), ExitCode::kFailed);
}

TEST(BenchExitCode, IsOneIfAServerDidNotStart) {
  auto results = results_of(comparison_of(clean_pairs(2)));
  results.failures.push_back({"node", "1 connection, 64 B", "node does not serve"});
  EXPECT_EQ(exit_code(results), ExitCode::kFailed);
}

TEST(BenchExitCode, IsOneAfterASignal) {
  auto results = results_of(comparison_of(clean_pairs(2)));
  results.is_interrupted = true;
  EXPECT_EQ(exit_code(results), ExitCode::kFailed);
}

// What is not installed is left out, and that is said.
TEST(BenchExitCode, IsNotChangedByANotice) {
  auto results = results_of(comparison_of(clean_pairs(2)));
  results.notices.emplace_back("go is left out: peers/go-echo is not there");
  EXPECT_EQ(exit_code(results), ExitCode::kOk);
}

}  // namespace
}  // namespace tcp_echo::bench
