// Runs, pairs and comparisons as the benchmark would have made them, for the tests of what it prints.
#pragma once

#include <string>
#include <vector>

#include "bench/results.hpp"

namespace tcp_echo::bench {

inline Run clean_run(double rate, double server_busy = 1) {
  Run run;
  run.ok = true;
  run.seconds = 1;
  run.echoes = rate;
  run.rate = rate;
  run.server_busy = server_busy;
  run.client_busy = 0.5;
  return run;
}

/// With the figures of what it did until it failed.
inline Run failed_run(double rate, const std::string& complaint = "FAILED: 2 reset") {
  auto run = clean_run(rate);
  run.ok = false;
  run.complaint = complaint;
  return run;
}

inline Comparison comparison_of(std::vector<Pair> pairs) {
  Comparison comparison;
  comparison.case_name = "50x64";
  comparison.title = "50 connections, 64 B";
  comparison.unit = "echoes/s";
  comparison.peer = "raw-epoll";
  comparison.pairs = std::move(pairs);
  return comparison;
}

/// Our runs have double the rate of the other server's, in all of the pairs.
inline std::vector<Pair> clean_pairs(std::size_t count) {
  return {count, {clean_run(2000), clean_run(1000)}};
}

inline Results results_of(Comparison comparison) {
  Results results;
  results.date = "2025-01-31T12:34:56Z";
  results.comparisons.push_back(std::move(comparison));
  return results;
}

}  // namespace tcp_echo::bench
