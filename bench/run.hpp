// One run of the load generator against one server, and whether it counts. Pure.
#pragma once

#include <optional>
#include <string>

namespace tcp_echo::bench {

struct Run {
  bool ok = false;        ///< the figures count; seconds, echoes and rate are above 0 then
  std::string complaint;  ///< one line, if not ok
  double seconds = 0;     ///< that were measured; 0 if the load generator left no report
  double echoes = 0;
  double rate = 0;                    ///< echoes a second
  std::optional<double> server_busy;  ///< processors' worth of time: 0.98 of one
  double client_busy = 0;             ///< share of the threads that it has
  std::optional<double> p50;          ///< seconds; nothing without an echo
  std::optional<double> p99;

  /// Echoes for a second of the server's processor time.
  std::optional<double> efficiency() const;
};

/// What the load generator has left behind.
struct LoadEnd {
  std::optional<int> exit_code;  ///< nothing if it was killed
  std::string ending;            ///< in words: "exited with code 1"
  std::string output;
  std::string report;  ///< the JSON; empty if it wrote none
  unsigned threads = 1;
};

/// Whether a run went well is the load generator's to say, by its exit code and by "ok" in its report: both
/// must say so. The complaint is then the last line of its output. The figures are filled in either way.
Run read_run(const LoadEnd& end);

/// What a program has printed, as one line of at most 300 bytes that can be shown anywhere.
std::string excerpt(const std::string& output);

}  // namespace tcp_echo::bench
