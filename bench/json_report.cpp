// Results as JSON.

#include <nlohmann/json.hpp>

#include "results.hpp"

namespace tcp_echo::bench {
namespace {

using nlohmann::json;

json to_json(const Estimate& estimate) {
  return {{"median", estimate.median},
          {"low", estimate.low},
          {"high", estimate.high},
          {"confidence", estimate.confidence}};
}

json to_json(const Comparison& comparison) {
  json pairs = json::array();
  for (const auto& pair : comparison.pairs)
    pairs.push_back({{"ours", bench::to_json(pair.ours)}, {"theirs", bench::to_json(pair.theirs)}});
  return {{"case", comparison.case_name},
          {"title", comparison.title},
          {"unit", comparison.unit},
          {"peer", comparison.peer},
          {"load", comparison.command},
          {"ratio", to_json(comparison.ratio())},
          {"ratio_per_cpu_second", to_json(comparison.efficiency_ratio())},
          {"pairs", pairs}};
}

json to_json(const std::optional<double>& value) { return value ? json(*value) : json(); }

}  // namespace

std::string json(const Results& results, const Setting& setting) {
  nlohmann::json document{{"date", results.date},
                          {"command", results.command},
                          {"machine", nlohmann::json::object()},
                          {"versions", results.versions},
                          {"notices", results.notices},
                          {"server_cpus", setting.server_cpus},
                          {"client_cpus", setting.client_cpus},
                          {"comparisons", nlohmann::json::array()},
                          {"memory", nlohmann::json::array()},
                          {"counts", nlohmann::json::array()}};
  for (const auto& [name, value] : results.machine) document["machine"][name] = value;
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
