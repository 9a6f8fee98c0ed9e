// What can be said about a machine that is never quite still: medians, and how far they can be trusted. Pure.
#pragma once

#include <cstddef>
#include <vector>

namespace tcp_echo::bench {

/// 0 of nothing.
double median(std::vector<double> values);

/// The median, and an interval that holds the true one.
struct Estimate {
  double median = 0;
  double low = 0;
  double high = 0;
  double confidence = 0;  ///< the chance that it does: 0.965
  std::size_t count = 0;  ///< of values; of none all is 0
};

/// The interval is that between two order statistics: how many of n values lie below the true median is
/// binomial, whatever their distribution, so the confidence is exact. It is the narrowest with at least 95 %;
/// fewer than six values cannot give that, and then it is all of them.
Estimate estimate(std::vector<double> values);

}  // namespace tcp_echo::bench
