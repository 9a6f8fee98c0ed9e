#include "comparison.hpp"

#include <algorithm>

namespace tcp_echo::bench {
namespace {

constexpr double kBusy = 0.9;

}  // namespace

Estimate Comparison::ratio() const {
  std::vector<double> ratios;
  ratios.reserve(pairs.size());
  for (const auto& pair : pairs) {
    if (pair.theirs.rate > 0) ratios.push_back(pair.ours.rate / pair.theirs.rate);
  }
  return estimate(std::move(ratios));
}

Estimate Comparison::efficiency_ratio() const {
  std::vector<double> ratios;
  ratios.reserve(pairs.size());
  for (const auto& pair : pairs) {
    const auto ours = pair.ours.efficiency();
    const auto theirs = pair.theirs.efficiency();
    if (ours && theirs && *theirs > 0) ratios.push_back(*ours / *theirs);
  }
  return estimate(std::move(ratios));
}

double Comparison::median_of(double Run::*figure, Run Pair::*side) const {
  std::vector<double> figures;
  figures.reserve(pairs.size());
  for (const auto& pair : pairs) figures.push_back(pair.*side.*figure);
  return median(std::move(figures));
}

double Comparison::busy_of(Run Pair::*side) const {
  std::vector<double> shares;
  shares.reserve(pairs.size());
  for (const auto& pair : pairs) {
    if (const auto busy = (pair.*side).server_busy) shares.push_back(*busy);
  }
  return shares.empty() ? -1 : median(std::move(shares));
}

Bound Comparison::bound_of(Run Pair::*side) const {
  const auto server = busy_of(side);
  if (server < 0) return Bound::kUnknown;
  const auto processors = side == &Pair::ours ? workers : 1;
  const bool server_busy = server >= kBusy * processors;
  const bool client_busy = median_of(&Run::client_busy, side) >= kBusy;
  if (server_busy) return client_busy ? Bound::kBoth : Bound::kServer;
  return client_busy ? Bound::kClient : Bound::kWaiting;
}

std::string Comparison::first_complaint(Run Pair::*side) const {
  const auto failed =
      std::find_if(pairs.begin(), pairs.end(), [&](const Pair& pair) { return !(pair.*side).ok; });
  return failed == pairs.end() ? "" : ((*failed).*side).complaint;
}

std::vector<Pair> run_pairs(const Setting& setting, const Side& ours, const Side& theirs) {
  std::vector<Pair> pairs(setting.options.pairs);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const bool ours_first = i % 2 == 0;
    if (ours_first) pairs[i].ours = run_load(setting, ours.load, ours.server);
    pairs[i].theirs = run_load(setting, theirs.load, theirs.server);
    if (!ours_first) pairs[i].ours = run_load(setting, ours.load, ours.server);
  }
  return pairs;
}

}  // namespace tcp_echo::bench
