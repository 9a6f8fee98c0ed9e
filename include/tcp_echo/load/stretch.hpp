// Intervals of a run that were put together, because they came faster than they were taken: at an interval of
// a millisecond many threads end more of them than one can gather.
//
// Only intervals of one stage are put together, and only within a block: 2^k numbers that begin at a multiple
// of 2^k. Of two blocks one holds the other, or they have nothing in common. So stretches that overlap, of
// several threads, reach no further than the block of the longest; if they could begin anywhere, each would
// overlap a part of the next, and no line of them would ever be complete.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "tcp_echo/load/summary.hpp"

namespace tcp_echo {

struct Stretch {
  std::uint64_t first = 0;  ///< interval, numbered from 0 within its stage
  std::uint64_t last = 0;
  LoadInterval whole;       ///< what is in them all; without how many connections are open
  std::int64_t opened = 0;  ///< so many more connections are open at the end than at the beginning

  LoadStage stage() const noexcept { return whole.stage; }
  /// There is an interval in both.
  bool overlaps(const Stretch& other) const noexcept;
  /// Takes in another one of the same stage: other intervals, or other threads' part of the same.
  void add(const Stretch& other) noexcept;
};

/// Puts neighbours together, the shortest first, until there are at most `most`, or one or two of each stage.
/// They are in order.
void shorten(std::deque<Stretch>& stretches, std::size_t most);

}  // namespace tcp_echo
