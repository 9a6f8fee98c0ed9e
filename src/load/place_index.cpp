#include "tcp_echo/load/place_index.hpp"

#include <endian.h>

#include <algorithm>
#include <cstring>

namespace tcp_echo {
namespace {

/// A text may repeat itself within the period that it is given: "abab" is "ab" twice.
std::size_t shortest_period(std::span<const std::byte> bytes, std::size_t period) {
  for (std::size_t shorter = 1; shorter < period; ++shorter) {
    if (period % shorter == 0 && std::memcmp(bytes.data(), bytes.data() + shorter, period - shorter) == 0)
      return shorter;
  }
  return period;
}

/// A place with its first bytes as a number that sorts as they do: most comparisons need no others.
struct Keyed {
  std::uint64_t key;
  std::uint32_t place;
};

std::uint64_t key_at(const std::byte* bytes) {
  std::uint64_t key = 0;
  std::memcpy(&key, bytes, sizeof key);
  return be64toh(key);
}

}  // namespace

PlaceIndex::PlaceIndex(std::span<const std::byte> bytes, std::size_t period)
    : bytes_(bytes.data()), period_(shortest_period(bytes, period)) {
  std::vector<Keyed> sorted(period_);
  for (std::uint32_t place = 0; place < period_; ++place) sorted[place] = {key_at(bytes_ + place), place};
  std::sort(sorted.begin(), sorted.end(), [this](const Keyed& one, const Keyed& other) {
    if (one.key != other.key) return one.key < other.key;
    const int order = std::memcmp(bytes_ + one.place, bytes_ + other.place, kLongestWindow);
    return order != 0 ? order < 0 : one.place < other.place;
  });
  places_.reserve(period_);
  for (const auto& each : sorted) places_.push_back(each.place);
}

void PlaceIndex::find(std::span<const std::byte> window,
                      const std::function<void(std::span<const std::uint32_t>)>& on_group) const {
  const auto is_before = [this](std::uint32_t place, std::span<const std::byte> bytes) {
    return std::memcmp(bytes_ + place, bytes.data(), bytes.size()) < 0;
  };
  const auto is_behind = [this](std::span<const std::byte> bytes, std::uint32_t place) {
    return std::memcmp(bytes.data(), bytes_ + place, bytes.size()) < 0;
  };
  auto begin = std::lower_bound(places_.begin(), places_.end(), window, is_before);
  const auto end = std::upper_bound(begin, places_.end(), window, is_behind);
  while (begin != end) {
    const auto next = std::upper_bound(begin, end, std::span(bytes_ + *begin, kLongestWindow), is_behind);
    on_group({begin, next});
    begin = next;
  }
}

}  // namespace tcp_echo
