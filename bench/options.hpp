// The command line of tcp-echo-bench.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace tcp_echo::bench {

struct Options {
  unsigned pairs = 15;
  std::chrono::milliseconds duration{1000};  ///< of one run
  std::chrono::milliseconds warmup{200};     ///< before each
  std::vector<std::string> cases;            ///< names; empty = all
  std::vector<std::string> peers;            ///< names; empty = all that are installed
  bool is_short = false;
  std::string output = "bench/results";
  std::string load;  ///< the load generator; empty = the one beside this program
  unsigned most_idle = 10'000;

  bool wants_case(std::string_view name) const;
  bool wants_peer(std::string_view name) const;
};

/// Nothing if --help was asked for and printed. Throws FatalError with kUsage.
std::optional<Options> parse_options(int argc, char** argv);

}  // namespace tcp_echo::bench
