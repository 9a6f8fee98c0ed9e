// A run of the load from its beginning to its end: starts the threads, gathers what they saw, and ends early
// on a signal.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <functional>

#include "tcp_echo/base/endpoint.hpp"
#include "tcp_echo/load/interval_gatherer.hpp"
#include "tcp_echo/load/load_thread.hpp"
#include "tcp_echo/load/mailbox.hpp"
#include "tcp_echo/load/plan.hpp"
#include "tcp_echo/load/summary.hpp"
#include "tcp_echo/load/timeline.hpp"
#include "tcp_echo/loop/loop.hpp"
#include "tcp_echo/loop/signal.hpp"

namespace tcp_echo {

class LoadRun {
 public:
  using OnInterval = std::function<void(const LoadInterval&)>;

  /// `on_interval` hears of each interval once all threads have ended it, the last one included, which is the
  /// wait for the last echoes. Throws FatalError.
  LoadRun(const LoadCommand& command, const Endpoint& target, OnInterval on_interval);

  /// Blocks until the end, which the first SIGINT or SIGTERM brings on, and a second one at once.
  LoadSummary run();

 private:
  void on_signal();
  void on_message(LoadMessage message);
  void pass_on(const LoadInterval& interval);
  void take_result(unsigned thread, const LoadThreadResult& result);
  void judge_processor(unsigned thread, const LoadThreadResult& result);
  void judge_pace();
  void judge_limits();

  LoadTask task_;
  OnInterval on_interval_;
  LoadSummary summary_;
  std::array<OwnLimitCount, kOwnLimits> own_limits_{};
  std::chrono::nanoseconds longest_turn_{};
  IntervalGatherer gatherer_;
  Timeline timeline_;
  std::size_t ended_ = 0;  ///< threads

  Loop loop_;
  Mailbox mailbox_;
  std::deque<LoadThread> threads_;  // after the mailbox, into which they post
};

}  // namespace tcp_echo
