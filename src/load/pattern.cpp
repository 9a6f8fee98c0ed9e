#include "tcp_echo/load/pattern.hpp"

#include <algorithm>
#include <cstring>

namespace tcp_echo {
namespace {

constexpr std::size_t kWordSize = sizeof(std::uint64_t);

/// Odd, and with no pattern in their bits: those of splitmix64.
constexpr std::uint64_t kFirstFactor = 0xbf58476d1ce4e5b9;
constexpr std::uint64_t kSecondFactor = 0x94d049bb133111eb;

/// The factor that undoes an odd one, modulo 2^64: each step doubles the bits that are right (Newton).
constexpr std::uint64_t inverse_of(std::uint64_t factor) {
  std::uint64_t inverse = factor;
  for (int i = 0; i < 6; ++i) inverse *= 2 - factor * inverse;
  return inverse;
}

constexpr std::uint64_t scrambled(std::uint64_t index) {
  std::uint64_t word = (index + 1) * kFirstFactor;
  word ^= word >> 32U;
  word *= kSecondFactor;
  return word ^ (word >> 32U);
}

/// Folding the upper half into the lower one is its own inverse.
constexpr std::uint64_t unscrambled(std::uint64_t word) {
  word ^= word >> 32U;
  word *= inverse_of(kSecondFactor);
  word ^= word >> 32U;
  return word * inverse_of(kFirstFactor) - 1;
}
static_assert(unscrambled(scrambled(0)) == 0 && unscrambled(scrambled(65520)) == 65520);

std::uint64_t distance(std::uint64_t one, std::uint64_t other) noexcept {
  return one > other ? one - other : other - one;
}

/// Of the positions `place`, `place` + `period`, ... that which is nearest to `around` and within the bounds,
/// both of which are allowed.
std::optional<std::uint64_t> nearest_turn(std::uint64_t place, std::uint64_t period, std::uint64_t around,
                                          std::uint64_t first, std::uint64_t last) noexcept {
  const auto turn_at_or_below = [&](std::uint64_t position) {
    return place + (position - place) / period * period;
  };
  if (place > last) return std::nullopt;
  auto position = place;
  if (around > place) position = turn_at_or_below(around - 1 + (period + 1) / 2);
  if (position > last) position = turn_at_or_below(last);
  if (position < first) position = turn_at_or_below(first + period - 1);
  if (position > last) return std::nullopt;
  return position;
}

}  // namespace

Pattern::Pattern() : scrambled_(true), period_(kWords * kWordSize) {
  bytes_.resize(period_);
  for (std::size_t i = 0; i < kWords; ++i) {
    const auto word = scrambled(i);
    std::memcpy(bytes_.data() + i * kWordSize, &word, kWordSize);
  }
  repeat_beyond_the_period();
}

Pattern::Pattern(std::string_view text) : scrambled_(false), period_(text.size()) {
  const auto bytes = std::as_bytes(std::span(text));
  bytes_.assign(bytes.begin(), bytes.end());
  repeat_beyond_the_period();
}

void Pattern::repeat_beyond_the_period() {
  const auto whole = period_ + kLongestPiece;
  bytes_.reserve(whole);
  while (bytes_.size() < whole) bytes_.push_back(bytes_[bytes_.size() - period_]);
}

std::uint64_t Pattern::start_of(std::uint64_t number) const noexcept {
  constexpr std::uint64_t kStride = 40'503;  // words; neighbours begin far from each other
  return scrambled_ ? number % kWords * kStride % kWords * kWordSize : 0;
}

std::span<const std::byte> Pattern::at(std::uint64_t position, std::size_t size) const noexcept {
  return std::span(bytes_).subspan(position % period_, std::min(size, kLongestPiece));
}

/// Where in one period the bytes begin.
std::vector<std::size_t> Pattern::places_of(std::span<const std::byte> bytes) const {
  std::vector<std::size_t> places;
  const auto is_at = [&](std::size_t place) {
    return std::memcmp(bytes_.data() + place, bytes.data(), bytes.size()) == 0;
  };
  if (scrambled_ && bytes.size() >= 2 * kWordSize - 1) {
    for (std::size_t before = 0; before < kWordSize; ++before) {  // the first whole word among them
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data() + before, kWordSize);
      const auto index = unscrambled(word);
      if (index >= kWords) continue;
      const auto place = (index * kWordSize + period_ - before) % period_;
      if (is_at(place)) places.push_back(place);
    }
    return places;
  }
  for (std::size_t place = 0; place < period_; ++place) {
    const auto* const from = bytes_.data() + place;
    const void* const found = ::memmem(from, period_ - place + bytes.size() - 1, bytes.data(), bytes.size());
    if (found == nullptr) break;
    place += static_cast<std::size_t>(static_cast<const std::byte*>(found) - from);
    places.push_back(place);
  }
  return places;
}

std::optional<std::uint64_t> Pattern::find(std::span<const std::byte> bytes, std::uint64_t around,
                                           std::uint64_t first, std::uint64_t end) const {
  if (end < bytes.size()) return std::nullopt;
  std::optional<std::uint64_t> best;
  for (const auto place : places_of(bytes)) {
    const auto position = nearest_turn(place, period_, around, first, end - bytes.size());
    if (position && (!best || distance(*position, around) < distance(*best, around))) best = position;
  }
  return best;
}

}  // namespace tcp_echo
