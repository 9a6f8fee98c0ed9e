// Compares what comes back on one connection with what was sent, byte by byte, and says what is different: a
// byte changed, left out, or added. After a difference it finds its way back into the stream, so that one
// lost byte counts as one byte and not as everything behind it.
//
// Costs a memcmp(3) as long as all is well; it allocates only once it is not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tcp_echo/load/pattern.hpp"
#include "tcp_echo/load/summary.hpp"

namespace tcp_echo {

class StreamCheck {
 public:
  /// So many bytes in a row that fit to the stream again are taken for the place where it goes on.
  static constexpr std::size_t kAnchor = Pattern::kLongestSought;

  /// `start` is the position in the pattern at which the stream begins. The pattern outlives this.
  StreamCheck(const Pattern& pattern, std::uint64_t start) noexcept
      : pattern_(&pattern), start_(start), sent_(start), next_(start) {}

  void sent(std::size_t bytes) noexcept { sent_ += bytes; }
  void received(std::span<const std::byte> bytes);
  /// The stream is over: what did not come until now is missing.
  void finish();

  /// Bytes sent, and those of them that have come back or were found missing.
  std::uint64_t sent_bytes() const noexcept { return sent_ - start_; }
  std::uint64_t settled_bytes() const noexcept { return next_ - start_; }
  std::uint64_t outstanding() const noexcept { return sent_ - next_; }
  /// Where in the pattern the next byte to be sent is.
  std::uint64_t position() const noexcept { return sent_; }

  const StreamFaults& faults() const noexcept { return faults_; }

 private:
  /// Takes what is as it should be; how much that was.
  std::size_t take_equal(std::span<const std::byte> bytes) noexcept;
  void resolve();
  bool resolve_at(std::size_t offset, std::size_t anchor);
  void give_up_on_doubt();
  std::span<const std::byte> doubt() const noexcept;
  void drop_doubt(std::size_t bytes);
  void book(std::size_t offset, std::uint64_t position) noexcept;

  const Pattern* pattern_;
  std::uint64_t start_;
  std::uint64_t sent_;
  std::uint64_t next_;            ///< the byte that should come next
  std::vector<std::byte> doubt_;  ///< what came since the stream left its way
  std::size_t dropped_ = 0;       ///< so many at its beginning are settled again
  std::size_t searched_ = 0;      ///< so many of them are not where it goes on
  StreamFaults faults_;
};

}  // namespace tcp_echo
