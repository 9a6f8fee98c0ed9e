// The rate over the time of a run, in a bounded number of points: a run of days, or of very short intervals,
// has coarser ones.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "tcp_echo/load/summary.hpp"

namespace tcp_echo {

/// Neighbours become one, with the worse latency of both.
RatePoint joined(const RatePoint& before, const RatePoint& after);

class Timeline {
 public:
  /// 3 MB of them; 18 hours at the usual interval of a second.
  static constexpr std::size_t kMostPoints = 65'536;

  /// `most` is even.
  explicit Timeline(std::size_t most = kMostPoints) : most_(most) {}

  void add(const LoadInterval& interval);
  std::vector<RatePoint> take() { return std::move(points_); }

 private:
  void halve();

  std::size_t most_;
  std::vector<RatePoint> points_;
  std::size_t per_point_ = 1;  ///< intervals
  std::size_t in_last_ = 0;    ///< intervals in the last point
};

}  // namespace tcp_echo
