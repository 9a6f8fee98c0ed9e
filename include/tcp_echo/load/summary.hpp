// What a run of tcp-echo-load saw: counted by its threads, gathered by LoadRun, put into words by the
// reports.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tcp_echo/load/histogram.hpp"

namespace tcp_echo {

/// How what came back differs from what was sent, in bytes.
struct StreamFaults {
  std::uint64_t wrong = 0;    ///< another byte in its place
  std::uint64_t missing = 0;  ///< left out, or not there when the connection or the run ended
  std::uint64_t extra = 0;    ///< never sent, or sent back already

  bool any() const noexcept { return wrong + missing + extra > 0; }
  StreamFaults& operator+=(const StreamFaults& other) noexcept;
  friend bool operator==(const StreamFaults&, const StreamFaults&) = default;
};

struct LoadCounts {
  std::uint64_t connected = 0;     ///< connections made
  std::uint64_t refused = 0;       ///< ECONNREFUSED: no program listens
  std::uint64_t reset = 0;         ///< broken by RST, or by another error of the connection
  std::uint64_t closed_early = 0;  ///< the server's FIN came before ours
  std::uint64_t unreachable = 0;   ///< any other reason why there was no connection, a timeout say
  std::uint64_t stuck = 0;         ///< still waited for echoes, or for FIN, when the run gave up
  std::uint64_t without_fin =
      0;                         ///< all came back, but the server's FIN not in time: what follows is unknown
  std::uint64_t echoes = 0;      ///< messages that came back; measured time only
  std::uint64_t late = 0;        ///< messages that came back after it; only in a LoadSummary
  std::uint64_t skipped = 0;     ///< messages that were due, and never sent
  std::uint64_t lost = 0;        ///< messages that were sent, or begun, and never came back
  std::uint64_t sent_bytes = 0;  ///< measured time only
  std::uint64_t received_bytes = 0;  ///< measured time only
  StreamFaults faults;

  /// Something happened that a correct server on a sound network does not do.
  bool any_failure() const noexcept;
  LoadCounts& operator+=(const LoadCounts& other) noexcept;
};

enum class LoadStage : std::uint8_t {
  kWarmup,
  kMeasuring,
  kWaiting,  ///< for the last echoes
};

/// One --interval of the run, of all threads together.
struct LoadInterval {
  double begin = 0;  ///< seconds since the start of the run
  double end = 0;
  LoadStage stage = LoadStage::kMeasuring;
  std::uint64_t open = 0;  ///< connections, at its end
  LoadCounts counts;       ///< of this interval alone; echoes and bytes in every stage
  Histogram latency;
};

/// One point of the rate over time: what of a LoadInterval is kept.
struct RatePoint {
  double begin = 0;
  double end = 0;
  std::uint64_t echoes = 0;
  double p50 = 0;  ///< milliseconds; 0 without echoes
  double p99 = 0;
  double max = 0;
};

struct LoadSummary {
  std::string target;                                        ///< as it was given
  std::string address;                                       ///< what it was resolved to
  std::vector<std::pair<std::string, std::string>> options;  ///< what the run was asked for: flag, value
  std::string started;                                       ///< UTC, ISO 8601
  double seconds = 0;      ///< measured, so without warm-up and without waiting for the last echoes
  double cpu_seconds = 0;  ///< processor time of our own threads within them
  unsigned threads = 1;
  bool interrupted = false;  ///< by a signal
  LoadCounts counts;
  Histogram latency;
  std::chrono::nanoseconds longest_silence{};  ///< of a connection that waited for an echo
  std::vector<std::string> own_limits;         ///< one line each: what we, not the server, could not do
  std::vector<RatePoint> timeline;

  /// With --rate: messages of the measured time, by the clock alone. Each of them is an echo, late, skipped
  /// or lost.
  std::optional<std::uint64_t> due;
  std::uint64_t never_made = 0;         ///< connections that were wanted, and never came to be
  std::uint64_t held_back = 0;          ///< connections whose turn by --connect-rate never came
  std::uint64_t own_limits_failed = 0;  ///< connections that we could not even try, for a limit of ours
  bool wants_echoes = true;             ///< there are connections that say something
  bool has_echoed = false;              ///< one message at least came back, at any time

  bool is_silent() const noexcept { return wants_echoes && !has_echoed; }
  bool is_good() const noexcept {
    return !counts.any_failure() && own_limits_failed + never_made == 0 && !is_silent();
  }
};

}  // namespace tcp_echo
