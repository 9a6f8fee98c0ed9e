// The history of the service: a sample of its figures every second, in the scoreboard, where it outlives
// every process.
#pragma once

#include "tcp_echo/ipc/scoreboard.hpp"
#include "tcp_echo/loop/timekeeper.hpp"
#include "tcp_echo/loop/timer.hpp"

namespace tcp_echo {

/// Kept by the master alone.
class History {
 public:
  /// Both outlive it.
  History(Timekeeper& clock, Scoreboard& scoreboard)
      : clock_(clock), scoreboard_(scoreboard), next_sample_(clock, [this] { take_sample(); }) {}

  /// The first sample is taken at once; nothing changes if it is written already.
  void begin();
  /// begin(), where a former program has taken the last sample.
  void go_on();
  void stop() { next_sample_.stop(); }

 private:
  void take_sample();

  Timekeeper& clock_;
  Scoreboard& scoreboard_;
  Timer next_sample_;
};

}  // namespace tcp_echo
