// Runs tcp-echo-load, and reads what it says of the run.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "system/daemon.hpp"

namespace tcp_echo::test {

/// The program with these arguments, for run() or a Daemon.
Launch load_launch(std::vector<std::string> arguments);

/// "127.0.0.1:PORT".
std::string on_loopback(std::uint16_t port);

struct LoadResult {
  Outcome outcome;
  nlohmann::json report;  ///< what --json wrote; null if that is no JSON

  std::uint64_t number(const std::string& pointer) const;  ///< at a JSON pointer, RFC 6901
  double real(const std::string& pointer) const;
  /// All that was printed, for the message of a test that failed.
  std::string text() const;
};

/// Runs it to its end with --json, on top of these arguments. The target is 127.0.0.1 with that port.
LoadResult load(std::uint16_t port, std::vector<std::string> arguments);
/// The target is among the arguments.
LoadResult load(Launch launch);

/// It ended well: something came back, and nothing was wrong in what came or in how connections went.
void expect_all_well(const LoadResult& result);

/// The three kinds of wrong bytes, with exit code 1.
struct ExpectedFaults {
  std::uint64_t wrong = 0;
  std::uint64_t missing = 0;
  std::uint64_t extra = 0;
};
void expect_faults(const LoadResult& result, const ExpectedFaults& expected);

/// How connections failed, all others not at all; with exit code 1.
struct ExpectedFailures {
  std::uint64_t refused = 0;
  std::uint64_t reset = 0;
  std::uint64_t closed_early = 0;
  std::uint64_t stuck = 0;
};
void expect_failures(const LoadResult& result, const ExpectedFailures& expected);

}  // namespace tcp_echo::test
