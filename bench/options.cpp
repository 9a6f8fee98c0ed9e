#include "options.hpp"

#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <string_view>

#include "cases.hpp"
#include "peers.hpp"
#include "tcp_echo/base/error.hpp"

namespace tcp_echo::bench {
namespace {

// Correctness only: as little as still meets every case.
constexpr unsigned kShortPairs = 1;
constexpr std::chrono::milliseconds kShortDuration{200};
constexpr std::chrono::milliseconds kShortWarmup{20};
constexpr unsigned kShortIdle = 500;

std::string help() {
  std::string text =
      "Usage: tcp-echo-bench [OPTION]...\n"
      "Compares tcp-echo-master with other echo servers: pairs of short runs on the same processor, in "
      "turn.\n\n"
      "  --pairs N       pairs of runs for each case and peer (15)\n"
      "  --seconds S     length of a run (1)\n"
      "  --cases LIST    only these, separated by commas\n"
      "  --peers LIST    only these, separated by commas\n"
      "  --short         whether all is correct, in under a minute: one pair of 0.2 s, 500 idle connections\n"
      "  --output DIR    where the results go, as DATE.json and DATE.svg (bench/results)\n"
      "  --load FILE     another load generator than the tcp-echo-load beside this program\n"
      "  --help\n\nCases:\n";
  for (const auto& row : kCases) text += fmt::format("  {:<14}  {}\n", row.name, row.title);
  text += "\nPeers:\n";
  for (const auto& row : kPeers) text += fmt::format("  {:<14}  {}\n", row.name, row.title);
  return text +
         "\nOnly pairs in which both runs went well count; what was dropped stands under the table.\n"
         "Exit codes: 0 all went well; 1 a run failed, ours or a peer's, or a server did not start;\n"
         "64 bad command line; 71 cannot run; 128 + N ended by signal N.\n";
}

template <class Table>
void check_names(const std::vector<std::string>& names, const Table& table, std::string_view what) {
  for (const auto& name : names) {
    const bool known =
        std::any_of(table.begin(), table.end(), [&](const auto& row) { return row.name == name; });
    if (!known)
      throw FatalError({ExitCode::kUsage, fmt::format("no {} is called '{}'; see --help", what, name)});
  }
}

bool holds(const std::vector<std::string>& names, std::string_view name) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

bool Options::wants_case(std::string_view name) const { return holds(cases, name); }
bool Options::wants_peer(std::string_view name) const { return holds(peers, name); }

std::optional<Options> parse_options(int argc, char** argv) {
  Options options;
  double seconds = 0;
  unsigned pairs = 0;
  bool help_wanted = false;
  CLI::App app;
  app.set_help_flag();
  app.add_option("--pairs", pairs)->check(CLI::Range(1, 1000));
  app.add_option("--seconds", seconds)->check(CLI::Range(0.1, 60.0));
  app.add_option("--cases", options.cases)->delimiter(',');
  app.add_option("--peers", options.peers)->delimiter(',');
  app.add_flag("--short", options.is_short);
  app.add_option("--output", options.output);
  app.add_option("--load", options.load);
  app.add_flag("--help", help_wanted);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    throw FatalError({ExitCode::kUsage, error.what()});
  }
  if (help_wanted) {
    std::fputs(help().c_str(), stdout);
    return std::nullopt;
  }
  check_names(options.cases, kCases, "case");
  check_names(options.peers, kPeers, "peer");
  if (options.is_short) {
    options.pairs = kShortPairs;
    options.duration = kShortDuration;
    options.warmup = kShortWarmup;
    options.most_idle = kShortIdle;
  }
  if (pairs > 0) options.pairs = pairs;
  if (seconds > 0) options.duration = std::chrono::milliseconds(static_cast<long>(seconds * 1000));
  return options;
}

}  // namespace tcp_echo::bench
