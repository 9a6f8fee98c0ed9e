#include "tcp_echo/load/timeline.hpp"

#include <algorithm>
#include <chrono>

namespace tcp_echo {
namespace {

double milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

}  // namespace

RatePoint joined(const RatePoint& before, const RatePoint& after) {
  return {before.begin,
          after.end,
          before.echoes + after.echoes,
          std::max(before.p50, after.p50),
          std::max(before.p99, after.p99),
          std::max(before.max, after.max)};
}

void Timeline::add(const LoadInterval& interval) {
  const auto& latency = interval.latency;
  const RatePoint point{interval.begin,
                        interval.end,
                        interval.counts.echoes,
                        milliseconds(latency.percentile(50)),
                        milliseconds(latency.percentile(99)),
                        milliseconds(latency.max())};
  if (points_.empty() || in_last_ == per_point_) {
    if (points_.size() == most_) halve();
    points_.push_back(point);
    in_last_ = 1;
  } else {
    points_.back() = joined(points_.back(), point);
    ++in_last_;
  }
}

void Timeline::halve() {
  for (std::size_t i = 0; i < points_.size() / 2; ++i)
    points_[i] = joined(points_[2 * i], points_[2 * i + 1]);
  points_.resize(points_.size() / 2);
  per_point_ *= 2;
}

}  // namespace tcp_echo
