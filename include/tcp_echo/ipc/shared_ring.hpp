// The last entries of something that goes on for ever, in shared memory: one writer, readers at any time, no
// locks. A reader skips what is being overwritten.
#pragma once

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
    place.number.store(0);  // nobody's, for now
    place.entry.set(value);
    place.number.store(number);
    written_.store(number);
  }

  /// Oldest first.
  std::vector<Value> read() const {
    std::vector<Value> values;
    const auto last = written_.load();
    const auto first = last > Size ? last - Size + 1 : 1;
    values.reserve(static_cast<std::size_t>(last - first + 1));
    for (auto number = first; number <= last; ++number) {
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
