// All that was measured, and how it is written down.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "comparison.hpp"
#include "footprint.hpp"
#include "setting.hpp"
#include "tcp_echo/base/error.hpp"

namespace tcp_echo::bench {

struct MemoryRow {
  std::string server;
  IdleMemory memory;
};

struct CountsRow {
  std::string server;
  std::optional<double> system_calls;
  std::optional<double> instructions;
};

/// What could not be measured at all, because a server did not start say.
struct Failure {
  std::string server;  ///< that was to be measured, or to be compared with
  std::string title;   ///< of the case
  std::string complaint;
};

struct Results {
  std::string date;     ///< UTC, ISO 8601
  std::string command;  ///< line
  std::vector<std::pair<std::string, std::string>> machine;
  std::map<std::string, std::string> versions;  ///< by server
  std::vector<std::string> notices;
  std::vector<Comparison> comparisons;
  std::vector<MemoryRow> memory;
  std::vector<CountsRow> counts;
  std::vector<Failure> failures;
  bool is_interrupted = false;  ///< what was measured by then is complete in itself
};

/// Something was asked for and is not in the figures: a run was dropped, ours or a peer's, a server did not
/// start, or a signal came. What is not installed, or takes more CPUs, only leaves a notice.
ExitCode exit_code(const Results& results);

/// For a terminal, as soon as each is there. With a newline at the end.
std::string table_head();
std::string table_row(const Comparison& comparison);
std::string table_row(const MemoryRow& row);
std::string table_row(const CountsRow& row);
std::string table_row(const Failure& failure);
std::string legend(const Results& results);

/// Which runs were dropped, what was not measured at all, and why; empty if nothing.
std::string faults(const Results& results);

/// For docs/performance.md.
std::string markdown(const Results& results);

/// Everything, each run's figures included (RFC 8259).
std::string json(const Results& results, const Setting& setting);

/// The ratios of the rates as bars, on a logarithmic axis, with their intervals.
std::string chart(const Results& results);

}  // namespace tcp_echo::bench
