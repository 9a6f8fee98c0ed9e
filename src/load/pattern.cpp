#include "tcp_echo/load/pattern.hpp"

#include <algorithm>
#include <cstring>
#include <tuple>

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

/// The positions at which bytes are that are at these places (in order) of each period.
class Positions {
 public:
  Positions(std::span<const std::uint32_t> places, std::uint64_t period) : places_(places), period_(period) {}

  std::optional<std::uint64_t> at_or_below(std::uint64_t position) const noexcept {
    const auto turn = position - position % period_;
    const auto behind = std::upper_bound(places_.begin(), places_.end(), position % period_);
    if (behind != places_.begin()) return turn + *(behind - 1);
    if (turn == 0) return std::nullopt;
    return turn - period_ + places_.back();
  }

  std::uint64_t at_or_above(std::uint64_t position) const noexcept {
    const auto turn = position - position % period_;
    const auto place = std::lower_bound(places_.begin(), places_.end(), position % period_);
    return place != places_.end() ? turn + *place : turn + period_ + places_.front();
  }

 private:
  std::span<const std::uint32_t> places_;
  std::uint64_t period_;
};

/// Of all positions that it is shown, within bounds that are both allowed, the one nearest to `around`; of
/// two the one that is earlier in the period.
class Nearest {
 public:
  Nearest(std::uint64_t around, std::uint64_t first, std::uint64_t last, std::uint64_t period)
      : around_(around), first_(first), last_(last), period_(period) {}

  void look_at(const Positions& positions) noexcept {
    if (first_ > last_) return;
    const auto below = positions.at_or_below(std::min(around_, last_));
    if (below && *below >= first_) consider(*below);
    const auto above = positions.at_or_above(std::max(around_, first_));
    if (above <= last_) consider(above);
  }

  std::optional<std::uint64_t> position() const noexcept { return best_; }

 private:
  void consider(std::uint64_t position) noexcept {
    const auto rank = [this](std::uint64_t one) {
      return std::tuple(distance(one, around_), one % period_, one);
    };
    if (!best_ || rank(position) < rank(*best_)) best_ = position;
  }

  std::uint64_t around_;
  std::uint64_t first_;
  std::uint64_t last_;
  std::uint64_t period_;
  std::optional<std::uint64_t> best_;
};

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

/// The places where a word of the pattern stands among the bytes as it stands there: one, or by chance more.
std::vector<std::uint32_t> Pattern::places_of_words(std::span<const std::byte> bytes) const {
  std::vector<std::uint32_t> places;
  for (std::size_t before = 0; before < kWordSize; ++before) {  // the first whole word among them
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + before, kWordSize);
    const auto index = unscrambled(word);
    if (index >= kWords) continue;
    const auto place = (index * kWordSize + period_ - before) % period_;
    if (std::memcmp(bytes_.data() + place, bytes.data(), bytes.size()) == 0)
      places.push_back(static_cast<std::uint32_t>(place));
  }
  return places;
}

const PlaceIndex& Pattern::index() const {
  std::call_once(index_->is_made, [this] { index_->index.emplace(bytes_, period_); });
  return *index_->index;
}

std::optional<std::uint64_t> Pattern::find(std::span<const std::byte> bytes, std::uint64_t around,
                                           std::uint64_t first, std::uint64_t end) const {
  if (end < bytes.size()) return std::nullopt;
  Nearest nearest(around, first, end - bytes.size(), period_);
  if (scrambled_ && bytes.size() >= 2 * kWordSize - 1) {
    for (const auto place : places_of_words(bytes)) nearest.look_at({std::span(&place, 1), period_});
  } else {
    index().find(bytes, [&](std::span<const std::uint32_t> places) {
      nearest.look_at({places, index().period()});
    });
  }
  return nearest.position();
}

}  // namespace tcp_echo
