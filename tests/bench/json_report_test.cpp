#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "bench/results.hpp"
#include "bench/runs.hpp"

namespace tcp_echo::bench {
namespace {

nlohmann::json document_of(const Results& results) { return nlohmann::json::parse(json(results, Setting())); }

TEST(BenchJson, KeepsEachRunWithItsComplaintAndSaysWhichPairsCount) {
  auto pairs = clean_pairs(3);
  pairs[1].theirs = failed_run(10);
  const auto document = document_of(results_of(comparison_of(pairs)));
  EXPECT_EQ(document["ok"], false);
  const auto& comparison = document["comparisons"][0];
  EXPECT_EQ(comparison["n"], 2);
  EXPECT_EQ(comparison["ratio"]["n"], 2);
  EXPECT_EQ(comparison["ratio"]["high"], 2);
  EXPECT_EQ(
      comparison["dropped"],
      nlohmann::json::parse(R"([{"server": "raw-epoll", "complaint": "FAILED: 2 reset", "pairs": [2]}])"));
  ASSERT_EQ(comparison["pairs"].size(), 3U);
  EXPECT_EQ(comparison["pairs"][1]["theirs"]["complaint"], "FAILED: 2 reset");
  EXPECT_EQ(comparison["pairs"][1]["theirs"]["echoes_per_second"], 10);
}

TEST(BenchJson, HasNullForWhatWasNotMeasured) {
  auto silent = failed_run(0, "the load generator wrote no report");
  silent.seconds = 0;
  silent.server_busy = std::nullopt;
  const auto document = document_of(results_of(comparison_of({{clean_run(2000), silent}})));
  const auto& comparison = document["comparisons"][0];
  EXPECT_EQ(comparison["n"], 0);
  EXPECT_EQ(comparison["ratio"], nullptr);
  EXPECT_EQ(comparison["ratio_per_cpu_second"], nullptr);
  const auto& run = comparison["pairs"][0]["theirs"];
  for (const auto* key : {"seconds", "echoes", "echoes_per_second", "client_busy", "server_busy"})
    EXPECT_EQ(run[key], nullptr) << key;
  EXPECT_EQ(run["latency_seconds"]["p50"], nullptr);
}

TEST(BenchJson, NamesWhatWasNotMeasuredAndWhetherItWasInterrupted) {
  Results results;
  results.failures.push_back({"node", "1 connection, 64 B", "node does not serve"});
  results.is_interrupted = true;
  const auto document = document_of(results);
  EXPECT_EQ(document["interrupted"], true);
  EXPECT_EQ(document["failures"][0]["server"], "node");
  EXPECT_EQ(document["failures"][0]["complaint"], "node does not serve");
}

}  // namespace
}  // namespace tcp_echo::bench
