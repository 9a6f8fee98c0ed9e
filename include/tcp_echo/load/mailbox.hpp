// What a thread of the load tells the one that started it.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "tcp_echo/load/own_limit.hpp"
#include "tcp_echo/load/summary.hpp"
#include "tcp_echo/loop/waker.hpp"

namespace tcp_echo {

struct ProcessorTime {
  std::chrono::nanoseconds used{};
  std::chrono::nanoseconds waited{};  ///< ready to run, but others did; 0 where the kernel does not tell
};

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

/// That an interval of a thread is over. Those of one number belong together.
struct LoadMessage {
  unsigned thread = 0;
  std::size_t number = 0;  ///< from 0
  LoadInterval interval;
  std::optional<LoadThreadResult> result;  ///< with the last one
};

class Mailbox {
 public:
  /// `on_message` runs in the loop's thread. Throws FatalError.
  Mailbox(Loop& loop, std::function<void(LoadMessage)> on_message)
      : on_message_(std::move(on_message)), waker_(loop, [this] { deliver(); }) {}

  /// From any thread.
  void post(LoadMessage message) {
    {
      const std::lock_guard lock(mutex_);
      messages_.push_back(std::move(message));
    }
    waker_.wake();
  }

 private:
  void deliver() {
    std::vector<LoadMessage> messages;
    {
      const std::lock_guard lock(mutex_);
      messages.swap(messages_);
    }
    for (auto& message : messages) on_message_(std::move(message));
  }

  std::mutex mutex_;
  std::vector<LoadMessage> messages_;
  std::function<void(LoadMessage)> on_message_;
  Waker waker_;
};

}  // namespace tcp_echo
