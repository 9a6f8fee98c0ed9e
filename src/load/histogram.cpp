#include "tcp_echo/load/histogram.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace tcp_echo {
namespace {

constexpr double kNanosecondsPerMillisecond = 1e6;

double in_milliseconds(double nanoseconds) { return nanoseconds / kNanosecondsPerMillisecond; }

/// What the values of a counter are taken for: the middle of it, but of the first and the last counter no
/// more than what they really saw.
double middle_of(std::uint64_t lowest, std::uint64_t highest, Histogram::Nanoseconds min,
                 Histogram::Nanoseconds max) {
  const std::uint64_t middle = lowest + (highest - lowest + 1) / 2;
  return std::clamp(static_cast<double>(middle), static_cast<double>(min.count()),
                    static_cast<double>(max.count()));
}

/// The level that follows in HdrHistogram's PercentileIterator; 100 once a double cannot tell them apart.
double next_level(double level, int ticks) {
  const auto halvings = std::floor(std::log(100 / (100 - level)) / std::log(2.0));
  const double next = level + 100 / (ticks * std::exp2(halvings + 1));
  return next > level ? next : 100;
}

}  // namespace

void Histogram::record(Nanoseconds value, std::uint64_t times) noexcept {
  if (times == 0) return;
  if (counters_.empty()) counters_.resize(kCounters);
  value = std::clamp(value, Nanoseconds{0}, longest());
  counters_[index_of(static_cast<std::uint64_t>(value.count()))] += times;
  count_ += times;
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
}

void Histogram::add(const Histogram& other) noexcept {
  if (other.count_ == 0) return;
  if (counters_.empty()) counters_.resize(kCounters);
  const auto last = index_of(static_cast<std::uint64_t>(other.max_.count()));
  for (auto i = index_of(static_cast<std::uint64_t>(other.min_.count())); i <= last; ++i)
    counters_[i] += other.counters_[i];
  count_ += other.count_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

Histogram::Nanoseconds Histogram::longest() noexcept {
  return Nanoseconds{static_cast<Nanoseconds::rep>(highest_at(kCounters - 1))};
}

Histogram::Nanoseconds Histogram::min() const noexcept { return count_ == 0 ? Nanoseconds{0} : min_; }

double Histogram::mean() const noexcept {
  if (count_ == 0) return 0;
  double sum = 0;
  for (std::size_t i = 0; i < kCounters; ++i) {
    if (counters_[i] == 0) continue;
    sum += static_cast<double>(counters_[i]) * middle_of(lowest_at(i), highest_at(i), min_, max_);
  }
  return sum / static_cast<double>(count_);
}

double Histogram::deviation() const noexcept {
  if (count_ == 0) return 0;
  const double center = mean();
  double sum = 0;
  for (std::size_t i = 0; i < kCounters; ++i) {
    if (counters_[i] == 0) continue;
    const double distance = middle_of(lowest_at(i), highest_at(i), min_, max_) - center;
    sum += static_cast<double>(counters_[i]) * distance * distance;
  }
  return std::sqrt(sum / static_cast<double>(count_));
}

Histogram::Nanoseconds Histogram::percentile(double percent) const noexcept {
  if (count_ == 0) return Nanoseconds{0};
  if (percent >= 100) return max_;
  // A hair less, or rounding would ask for one value too many: 99.9 % of 1000 are 999 (HdrHistogram does so).
  const double asked = std::nextafter(std::max(percent, 0.0), -1.0) / 100 * static_cast<double>(count_);
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < kCounters; ++i) {
    total += counters_[i];
    if (total == 0 || static_cast<double>(total) < asked) continue;
    return std::min(Nanoseconds{static_cast<Nanoseconds::rep>(highest_at(i))}, max_);
  }
  return max_;
}

std::vector<Histogram::Step> Histogram::steps(int ticks) const {
  std::vector<Step> steps;
  std::uint64_t total = 0;
  double level = 0;
  for (std::size_t i = 0; i < kCounters && total < count_; ++i) {
    if (counters_[i] == 0) continue;
    total += counters_[i];
    const auto value = std::min(Nanoseconds{static_cast<Nanoseconds::rep>(highest_at(i))}, max_);
    const double reached = 100 * static_cast<double>(total) / static_cast<double>(count_);
    // The last counter gets one step only, and then the one to 100.
    while (level < 100 && level <= reached) {
      steps.push_back(Step{level, value, total});
      level = next_level(level, ticks);
      if (total == count_) break;
    }
    if (total == count_) steps.push_back(Step{100, value, total});
  }
  return steps;
}

std::string Histogram::text() const {
  std::string out =
      fmt::format("{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
  for (const auto& step : steps()) {
    const double share = step.percent / 100;
    out += fmt::format("{:12.6f} {:2.12f} {:10}", in_milliseconds(static_cast<double>(step.value.count())),
                       share, step.total);
    out += step.percent < 100 ? fmt::format(" {:14.2f}\n", 1 / (1 - share)) : "\n";
  }
  out += fmt::format("#[Mean    = {:12.3f}, StdDeviation   = {:12.3f}]\n", in_milliseconds(mean()),
                     in_milliseconds(deviation()));
  out += fmt::format("#[Max     = {:12.3f}, Total count    = {:12}]\n",
                     in_milliseconds(static_cast<double>(max_.count())), count_);
  out += fmt::format("#[Buckets = {:12}, SubBuckets     = {:12}]\n", kBuckets, 2 * kHalf);
  return out;
}

// Counters 0 to 2047 are one value wide. From there on each 1024 of them are twice as wide as those before.
std::size_t Histogram::index_of(std::uint64_t value) noexcept {
  const auto bits = std::max(static_cast<unsigned>(std::bit_width(value)), kSubBucketBits);
  const auto shift = bits - kSubBucketBits;
  return shift * kHalf + static_cast<std::size_t>(value >> shift);
}

std::uint64_t Histogram::lowest_at(std::size_t index) noexcept {
  if (index < 2 * kHalf) return index;
  return std::uint64_t{index % kHalf + kHalf} << (index / kHalf - 1);
}

std::uint64_t Histogram::highest_at(std::size_t index) noexcept {
  const std::uint64_t width = index < 2 * kHalf ? 1 : std::uint64_t{1} << (index / kHalf - 1);
  return lowest_at(index) + width - 1;
}

}  // namespace tcp_echo
