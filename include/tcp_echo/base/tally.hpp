// What counters have counted, as plain figures: of one worker, or of many together.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>

#include "tcp_echo/base/counters.hpp"

namespace tcp_echo {

/// A Log2Histogram as plain figures.
template <std::size_t Buckets>
struct HistogramTally {
  std::array<std::uint64_t, Buckets> buckets{};
  std::uint64_t sum = 0;
  bool operator==(const HistogramTally&) const = default;
};

/// What several blocks have counted, each of their counters read once: however busy the writers are
/// meanwhile, its figures agree with each other.
struct Tally {
  std::uint64_t accepted = 0;
  std::uint64_t handed_over_in = 0;
  std::uint64_t handed_over_out = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t accept_pauses = 0;
  std::uint64_t watched_nanoseconds = 0;
  std::uint64_t busy_nanoseconds = 0;
  std::array<std::uint64_t, kCloseReasonCount> closed{};
  std::array<std::uint64_t, kAcceptErrorCount> accept_errors{};
  HistogramTally<kLifetimeBuckets> lifetimes;
  HistogramTally<kBytesBuckets> sizes;
  bool operator==(const Tally&) const = default;

  /// Reads what is gone before what came: no reader ever sees more closed than opened.
  void add(const WorkerCounters& block) noexcept;
  void add(const Tally& other) noexcept;
  /// The same the other way round: adds these figures to a block of the caller's.
  void add_to(WorkerCounters& block) const noexcept;

  std::uint64_t all_closed() const noexcept {
    return std::accumulate(closed.begin(), closed.end(), std::uint64_t{0});
  }
  /// Connections that are open.
  std::uint64_t active() const noexcept { return accepted + handed_over_in - handed_over_out - all_closed(); }
};

/// Of one block.
inline Tally tally_of(const WorkerCounters& block) noexcept {
  Tally tally;
  tally.add(block);
  return tally;
}

}  // namespace tcp_echo
