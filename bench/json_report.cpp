// Results as JSON.

#include <nlohmann/json.hpp>

#include "results.hpp"

namespace tcp_echo::bench {
namespace {

using nlohmann::json;

json to_json(const std::optional<double>& value) { return value ? json(*value) : json(); }

/// null of nothing: a 0 would look as if it were measured.
json to_json(const Estimate& estimate) {
  if (estimate.count == 0) return {};
  return {{"n", estimate.count},
          {"median", estimate.median},
          {"low", estimate.low},
          {"high", estimate.high},
          {"confidence", estimate.confidence}};
}

/// Of a run that failed the figures are there as well, if there are any; they are in no ratio.
json to_json(const Run& run) {
  const auto measured = [&](double figure) { return run.seconds > 0 ? json(figure) : json(); };
  json object{{"ok", run.ok},
              {"seconds", measured(run.seconds)},
              {"echoes", measured(run.echoes)},
              {"echoes_per_second", measured(run.rate)},
              {"client_busy", measured(run.client_busy)},
              {"server_busy", to_json(run.server_busy)},
              {"latency_seconds", {{"p50", to_json(run.p50)}, {"p99", to_json(run.p99)}}}};
  if (!run.ok) object["complaint"] = run.complaint;
  return object;
}

json to_json(const Comparison& comparison) {
  json pairs = json::array();
  for (const auto& pair : comparison.pairs)
    pairs.push_back({{"ours", to_json(pair.ours)}, {"theirs", to_json(pair.theirs)}});
  json dropped = json::array();
  for (const auto& runs : comparison.dropped())
    dropped.push_back({{"server", runs.server}, {"complaint", runs.complaint}, {"pairs", runs.pairs}});
  return {{"case", comparison.case_name},
          {"title", comparison.title},
          {"unit", comparison.unit},
          {"peer", comparison.peer},
          {"load", comparison.command},
          {"n", comparison.clean_pairs()},
          {"dropped", dropped},
          {"ratio", to_json(comparison.ratio())},
          {"ratio_per_cpu_second", to_json(comparison.efficiency_ratio())},
          {"pairs", pairs}};
}

}  // namespace

std::string json(const Results& results, const Setting& setting) {
  nlohmann::json document{{"date", results.date},
                          {"command", results.command},
                          {"ok", exit_code(results) == ExitCode::kOk},
                          {"interrupted", results.is_interrupted},
                          {"machine", nlohmann::json::object()},
                          {"versions", results.versions},
                          {"notices", results.notices},
                          {"failures", nlohmann::json::array()},
                          {"server_cpus", setting.server_cpus},
                          {"client_cpus", setting.client_cpus},
                          {"comparisons", nlohmann::json::array()},
                          {"memory", nlohmann::json::array()},
                          {"counts", nlohmann::json::array()}};
  for (const auto& [name, value] : results.machine) document["machine"][name] = value;
  for (const auto& failure : results.failures)
    document["failures"].push_back(
        {{"server", failure.server}, {"title", failure.title}, {"complaint", failure.complaint}});
  for (const auto& comparison : results.comparisons) document["comparisons"].push_back(to_json(comparison));
  for (const auto& row : results.memory) {
    document["memory"].push_back({{"server", row.server},
                                  {"from_connections", row.memory.few},
                                  {"to_connections", row.memory.many},
                                  {"bytes_each", row.memory.bytes_each}});
  }
  for (const auto& row : results.counts) {
    document["counts"].push_back({{"server", row.server},
                                  {"system_calls_per_echo", to_json(row.system_calls)},
                                  {"instructions_per_echo", to_json(row.instructions)}});
  }
  return document.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace tcp_echo::bench
