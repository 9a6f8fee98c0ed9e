#include "statistics.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace tcp_echo::bench {
namespace {

constexpr double kWanted = 0.95;

/// The chance that exactly k of n values are below the true median.
double binomial_half(std::size_t n, std::size_t k) {
  const auto lgamma_of = [](std::size_t value) { return std::lgamma(static_cast<double>(value) + 1); };
  return std::exp(lgamma_of(n) - lgamma_of(k) - lgamma_of(n - k) - static_cast<double>(n) * std::log(2.0));
}

double median_of_sorted(const std::vector<double>& values) {
  const auto middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace

double median(std::vector<double> values) { return estimate(std::move(values)).median; }

Estimate estimate(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const auto n = values.size();
  std::size_t left_out = 0;  // at each end
  double confidence = 1 - 2 * binomial_half(n, 0);
  while (2 * (left_out + 1) < n) {
    const double narrower = confidence - 2 * binomial_half(n, left_out + 1);
    if (narrower < kWanted) break;
    confidence = narrower;
    ++left_out;
  }
  return {median_of_sorted(values), values[left_out], values[n - 1 - left_out], std::max(confidence, 0.0), n};
}

}  // namespace tcp_echo::bench
