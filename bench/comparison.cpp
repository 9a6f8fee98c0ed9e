#include "comparison.hpp"

#include <algorithm>
#include <utility>

#include "server.hpp"

namespace tcp_echo::bench {
namespace {

constexpr double kBusy = 0.9;

/// What `look` finds in each clean pair, where it finds something.
template <class Look>
std::vector<double> in_clean_pairs(const std::vector<Pair>& pairs, Look look) {
  std::vector<double> figures;
  figures.reserve(pairs.size());
  for (const auto& pair : pairs) {
    if (!pair.is_clean()) continue;
    if (const std::optional<double> figure = look(pair)) figures.push_back(*figure);
  }
  return figures;
}

std::optional<double> median_or_nothing(std::vector<double> figures) {
  if (figures.empty()) return std::nullopt;
  return median(std::move(figures));
}

}  // namespace

std::size_t Comparison::clean_pairs() const {
  return static_cast<std::size_t>(
      std::count_if(pairs.begin(), pairs.end(), [](const Pair& pair) { return pair.is_clean(); }));
}

Estimate Comparison::ratio() const {
  return estimate(in_clean_pairs(pairs, [](const Pair& pair) { return pair.ours.rate / pair.theirs.rate; }));
}

Estimate Comparison::efficiency_ratio() const {
  return estimate(in_clean_pairs(pairs, [](const Pair& pair) -> std::optional<double> {
    const auto ours = pair.ours.efficiency();
    const auto theirs = pair.theirs.efficiency();
    if (!ours || !theirs) return std::nullopt;
    return *ours / *theirs;
  }));
}

std::optional<double> Comparison::median_of(double Run::*figure, Run Pair::*side) const {
  return median_or_nothing(in_clean_pairs(pairs, [&](const Pair& pair) { return pair.*side.*figure; }));
}

std::optional<double> Comparison::busy_of(Run Pair::*side) const {
  return median_or_nothing(in_clean_pairs(pairs, [&](const Pair& pair) { return (pair.*side).server_busy; }));
}

Bound Comparison::bound_of(Run Pair::*side) const {
  const auto server = busy_of(side);
  const auto client = median_of(&Run::client_busy, side);
  if (!server || !client) return Bound::kUnknown;
  const auto processors = side == &Pair::ours ? workers : 1;
  const bool server_busy = *server >= kBusy * processors;
  const bool client_busy = *client >= kBusy;
  if (server_busy) return client_busy ? Bound::kBoth : Bound::kServer;
  return client_busy ? Bound::kClient : Bound::kWaiting;
}

std::vector<Dropped> Comparison::dropped() const {
  std::vector<Dropped> all;
  for (const auto side : {&Pair::ours, &Pair::theirs}) {
    const auto server = side == &Pair::ours ? std::string(kOurs) : peer;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      const auto& run = pairs[i].*side;
      if (run.ok) continue;
      auto alike = std::find_if(all.begin(), all.end(), [&](const Dropped& dropped) {
        return dropped.server == server && dropped.complaint == run.complaint;
      });
      if (alike == all.end()) alike = all.insert(all.end(), {server, run.complaint, {}});
      alike->pairs.push_back(i + 1);
    }
  }
  return all;
}

}  // namespace tcp_echo::bench
