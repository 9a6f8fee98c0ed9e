// Puts together what the threads of a run saw in the same interval, and hands each interval on, in order,
// once no thread has anything more to say of it.
//
// Threads agree on when intervals end, but not on how many a stage has: a signal reaches one just before an
// interval ends and another just after. So what belongs together is known by the stage and the number within
// it, and what was measured is never mixed with what came in the wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "tcp_echo/load/stretch.hpp"

namespace tcp_echo {

class IntervalGatherer {
 public:
  /// So many wait at most for the thread that is behind; beyond that neighbours are put together.
  static constexpr std::size_t kMostWaiting = 16;

  using OnComplete = std::function<void(const LoadInterval&)>;

  IntervalGatherer(unsigned threads, OnComplete on_complete)
      : on_complete_(std::move(on_complete)), heard_(threads) {}

  /// What that thread did next. Its last stretch is that of the wait.
  void add(unsigned thread, Stretch stretch);

  std::size_t waiting() const noexcept { return waiting_.size(); }

 private:
  using Place = std::pair<LoadStage, std::uint64_t>;

  void put(Stretch stretch);
  bool is_complete(const Stretch& stretch) const;

  OnComplete on_complete_;
  std::deque<Stretch> waiting_;              ///< in order; none overlaps another
  std::vector<std::optional<Place>> heard_;  ///< of each thread: the last interval
  std::int64_t open_ = 0;
};

}  // namespace tcp_echo
