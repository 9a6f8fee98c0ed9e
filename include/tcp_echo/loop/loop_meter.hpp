// How busy a loop is, and how late it is: libuv's UV_METRICS_IDLE_TIME
// (http://docs.libuv.org/en/v1.x/metrics.html), looked at once a second.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include "tcp_echo/loop/timer.hpp"

namespace tcp_echo {

/// What was seen since the last look.
struct LoopReading {
  std::chrono::nanoseconds elapsed{};
  std::chrono::nanoseconds busy{};  ///< of that, not waiting for events
  std::chrono::nanoseconds lag{};   ///< by which this look came late

  /// From 0 to 1.
  double busy_ratio() const noexcept;
};

/// Pure: from what a clock and libuv say, both in nanoseconds.
class LoopGauge {
 public:
  LoopGauge(std::uint64_t now, std::uint64_t idle) noexcept : last_now_(now), last_idle_(idle) {}
  /// `due`: when this look was meant to be.
  LoopReading read(std::uint64_t now, std::uint64_t idle, std::uint64_t due) noexcept;

 private:
  std::uint64_t last_now_;
  std::uint64_t last_idle_;
};

class LoopMeter {
 public:
  static constexpr std::chrono::milliseconds kInterval{1000};

  /// The loop must have been told to measure_idle_time().
  LoopMeter(Loop& loop, std::function<void(const LoopReading&)> on_reading);

 private:
  void look();
  void set() noexcept;

  Loop& loop_;
  std::function<void(const LoopReading&)> on_reading_;
  LoopGauge gauge_;
  std::uint64_t due_ = 0;
  Timer timer_;
};

}  // namespace tcp_echo
