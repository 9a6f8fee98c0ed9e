// The bytes that tcp-echo-load sends. Byte N of a connection's stream depends on N alone, so that what comes
// back can be compared without keeping what was sent, and a stream that slipped can be told from one that was
// changed.
//
// Immutable, but for an index that is made when it is first needed; shared by all connections and threads of
// a run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "tcp_echo/load/place_index.hpp"

namespace tcp_echo {

class Pattern {
 public:
  /// No piece that at() gives is longer.
  static constexpr std::size_t kLongestPiece = 256UL * 1024;
  static constexpr std::size_t kLongestSought = PlaceIndex::kLongestWindow;
  /// Words of 8 bytes; their number is a prime, so that the same bytes never lie at the same place of two
  /// messages near each other, whatever the size of messages.
  static constexpr std::size_t kWords = 65521;

  /// Looks random, and is the same in every run. Its word N is N scrambled, by a function that has an
  /// inverse: so any 15 bytes of it tell their place without a search.
  Pattern();
  /// The text again and again; it may not be empty.
  explicit Pattern(std::string_view text);

  /// Where the stream of a connection begins. That of another number begins elsewhere, so that bytes of one
  /// are strange to the other; a text always begins at its beginning.
  std::uint64_t start_of(std::uint64_t number) const noexcept;

  std::size_t period() const noexcept { return period_; }

  /// The bytes from `position` on, `size` of them but never more than kLongestPiece. One piece of memory.
  std::span<const std::byte> at(std::uint64_t position, std::size_t size) const noexcept;

  /// Where in the stream these bytes are, as near to `around` as can be, but not before `first` and wholly
  /// before `end`; nothing where they are not. At least one byte, at most kLongestSought. However long the
  /// period is, and however often they are in it, this takes a few comparisons; with fewer bytes than that a
  /// few for each way in which they go on.
  std::optional<std::uint64_t> find(std::span<const std::byte> bytes, std::uint64_t around,
                                    std::uint64_t first, std::uint64_t end) const;

 private:
  void repeat_beyond_the_period();
  std::vector<std::uint32_t> places_of_words(std::span<const std::byte> bytes) const;
  const PlaceIndex& index() const;

  struct Index {
    std::once_flag is_made;
    std::optional<PlaceIndex> index;
  };

  bool scrambled_;
  std::size_t period_;
  std::vector<std::byte> bytes_;
  std::unique_ptr<Index> index_ = std::make_unique<Index>();  ///< not needed as long as all is well
};

}  // namespace tcp_echo
