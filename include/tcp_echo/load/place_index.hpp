// Where in a period of bytes that repeat given bytes begin, without a search through all of it: the places,
// sorted by the bytes that are there.
//
// Immutable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace tcp_echo {

class PlaceIndex {
 public:
  /// No more than these can be looked for.
  static constexpr std::size_t kLongestWindow = 16;

  /// `bytes` go on for kLongestWindow beyond their period, and outlive this.
  PlaceIndex(std::span<const std::byte> bytes, std::size_t period);

  /// The bytes are the same again after so many.
  std::size_t period() const noexcept { return period_; }

  /// Calls with all places in a period where the window is, in as few groups as can be; those of a group are
  /// in order. A window of full length has one group at most. O(log n) for each group.
  void find(std::span<const std::byte> window,
            const std::function<void(std::span<const std::uint32_t>)>& on_group) const;

 private:
  const std::byte* bytes_;
  std::size_t period_;
  std::vector<std::uint32_t> places_;
};

}  // namespace tcp_echo
