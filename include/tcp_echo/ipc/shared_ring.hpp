// The last entries of something that goes on for ever, in shared memory: one writer, readers at any time, no
// locks. A reader passes over an entry that is being overwritten.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

namespace tcp_echo {

/// `Entry` has set(const Value&) and get() -> Value, both of atomics only.
template <class Entry, class Value, std::size_t Size>
class SharedRing {
 public:
  void push(const Value& value) noexcept {
    const auto number = written_.load(std::memory_order_relaxed) + 1;
    auto& place = places_[number % Size];
    place.number.store(0);
    place.entry.set(value);
    place.number.store(number);
    written_.store(number);
  }

  /// Those that came after the first `known`, as far as they are still there; oldest first.
  std::vector<Value> read(std::uint64_t known = 0) const {
    std::vector<Value> values;
    const auto last = written_.load();
    const auto count = std::min<std::uint64_t>(last - std::min(last, known), Size);
    for (std::uint64_t i = 1; i <= count; ++i) {
      const auto number = last - count + i;
      const auto& place = places_[number % Size];
      if (place.number.load() != number) continue;
      auto value = place.entry.get();
      if (place.number.load() == number) values.push_back(std::move(value));
    }
    return values;
  }

  std::uint64_t written() const noexcept { return written_.load(); }

 private:
  struct Place {
    std::atomic<std::uint64_t> number{0};  ///< counted from 1; 0 while it is written
    Entry entry;
  };
  std::atomic<std::uint64_t> written_{0};
  std::array<Place, Size> places_;
};

}  // namespace tcp_echo
