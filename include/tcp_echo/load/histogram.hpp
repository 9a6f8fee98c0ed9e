// A histogram of latencies with a bounded relative error, in the layout and the text format of HdrHistogram
// (https://hdrhistogram.github.io/HdrHistogram/), which common plotters read.
//
// Values are nanoseconds. Up to 2047 ns each has a counter of its own; above that a counter covers a
// 1024th of its value, or less: three significant digits. A histogram belongs to one thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tcp_echo {

class Histogram {
 public:
  using Nanoseconds = std::chrono::nanoseconds;

  /// Values below 0 count as 0, values above longest() as longest(). Only the first value allocates.
  void record(Nanoseconds value) noexcept { record(value, 1); }
  void record(Nanoseconds value, std::uint64_t times) noexcept;
  void add(const Histogram& other) noexcept;

  /// About 73 minutes.
  static Nanoseconds longest() noexcept;

  std::uint64_t count() const noexcept { return count_; }
  /// The exact smallest and largest recorded value; 0 if there is none.
  Nanoseconds min() const noexcept;
  Nanoseconds max() const noexcept { return max_; }
  /// In nanoseconds; from the counters, so with their error.
  double mean() const noexcept;
  double deviation() const noexcept;

  /// The value that `percent` of all values do not exceed (the upper end of its counter, but never more than
  /// max()); 0 without any. 100 is max().
  Nanoseconds percentile(double percent) const noexcept;

  struct Step {
    double percent;       ///< of all values that do not exceed this one
    Nanoseconds value;    ///<
    std::uint64_t total;  ///< so many
  };
  /// The curve as HdrHistogram's own tools draw it: `ticks` steps for each halving of the distance to 100 %,
  /// the last one at 100. Empty without values.
  std::vector<Step> steps(int ticks = 5) const;

  /// The percentile distribution as HdrHistogram's outputPercentileDistribution() prints it, in milliseconds.
  std::string text() const;

 private:
  static constexpr unsigned kSubBucketBits = 11;
  static constexpr std::size_t kHalf = std::size_t{1} << (kSubBucketBits - 1);
  static constexpr std::size_t kBuckets = 32;
  static constexpr std::size_t kCounters = (kBuckets + 1) * kHalf;

  static std::size_t index_of(std::uint64_t value) noexcept;
  static std::uint64_t lowest_at(std::size_t index) noexcept;
  static std::uint64_t highest_at(std::size_t index) noexcept;

  std::vector<std::uint64_t> counters_;  ///< empty while there is no value: most copies are of such ones
  std::uint64_t count_ = 0;
  Nanoseconds min_ = Nanoseconds::max();
  Nanoseconds max_{0};
};

}  // namespace tcp_echo
