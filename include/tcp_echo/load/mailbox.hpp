// What a thread of the load tells the one that started it.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "tcp_echo/base/processor_time.hpp"
#include "tcp_echo/load/own_limit.hpp"
#include "tcp_echo/load/stretch.hpp"
#include "tcp_echo/load/summary.hpp"
#include "tcp_echo/loop/waker.hpp"

namespace tcp_echo {

/// Everything that one thread counted in its measured time, and what must not be forgotten of the rest.
struct LoadThreadResult {
  LoadCounts counts;
  Histogram latency;
  std::chrono::nanoseconds longest_silence{};
  ProcessorTime processor;  ///< in the measured time
  std::chrono::nanoseconds measured{};
  std::chrono::nanoseconds longest_turn{};  ///< that a connection waited for --connect-rate to be made anew
  std::array<OwnLimitCount, kOwnLimits> own_limits{};  ///< by OwnLimit
  std::uint64_t due = 0;                               ///< as in LoadSummary, and the two below
  std::uint64_t never_made = 0;
  std::uint64_t held_back = 0;
  bool has_echoed = false;
};

/// That intervals of a thread are over: most often one, several in a row if the thread was faster than the
/// one that takes them.
struct LoadMessage {
  unsigned thread = 0;
  Stretch stretch;
  std::optional<LoadThreadResult> result;  ///< with the last one
};

class Mailbox {
 public:
  /// Of each thread. An interval beyond that is put together with one that waits: an interval has a histogram
  /// of a quarter of a megabyte, and the threads together may end more of them than the loop's thread can
  /// take.
  static constexpr std::size_t kMostWaiting = 4;

  /// `on_message` runs in the loop's thread. Throws FatalError.
  Mailbox(Loop& loop, unsigned threads, std::function<void(LoadMessage)> on_message)
      : boxes_(threads), on_message_(std::move(on_message)), waker_(loop, [this] { deliver(); }) {}

  /// From the thread that the message names: what it did next.
  void post(LoadMessage message);

 private:
  /// One for each thread, for to put histograms together takes a while.
  struct Box {
    std::mutex mutex;
    std::deque<Stretch> stretches;
    std::optional<LoadThreadResult> result;  ///< belongs to the last of them
  };

  void deliver();

  std::deque<Box> boxes_;
  std::function<void(LoadMessage)> on_message_;
  Waker waker_;
};

}  // namespace tcp_echo
