// How a worker's loop is: how busy, and how late. Looked at now and then, and written to its block.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

#include "tcp_echo/base/counters.hpp"
#include "tcp_echo/base/processor_time.hpp"
#include "tcp_echo/ipc/message.hpp"

namespace tcp_echo {

class Vitals {
 public:
  /// It is no use to look at a shorter stretch of time.
  static constexpr std::chrono::milliseconds kShortest{1000};

  /// `now` is on the monotonic clock, here and below. `counters` outlive it.
  Vitals(WorkerCounters& counters, std::chrono::nanoseconds now);

  /// `due`: when the loop was to look.
  void look(std::chrono::nanoseconds now, std::chrono::nanoseconds due) noexcept;

  /// What the master is to hear: accepting has been paused since the last look, and that was not told of
  /// within kTellAtMostEvery.
  std::optional<LimitMessage> limit_to_tell(std::chrono::nanoseconds now) noexcept;
  static constexpr std::chrono::seconds kTellAtMostEvery{10};

 private:
  /// At work, or waiting for a processor to be at work.
  std::chrono::nanoseconds busy_time() const noexcept;
  void measure(std::chrono::nanoseconds elapsed, std::chrono::nanoseconds busy) noexcept;

  WorkerCounters& counters_;
  ProcessorClock processor_;
  std::chrono::nanoseconds measured_at_;
  std::chrono::nanoseconds busy_before_;
  std::array<std::uint64_t, kAcceptErrorCount> pauses_told_{};
  std::optional<std::chrono::nanoseconds> told_at_;
};

}  // namespace tcp_echo
