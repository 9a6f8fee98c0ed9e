// All workers that have lost their places and have not ended yet.
#pragma once

#include <chrono>
#include <list>
#include <memory>
#include <vector>

#include "leaver.hpp"

namespace tcp_echo {

class Departures {
 public:
  /// `household` outlives it.
  explicit Departures(const Household& household) : household_(household) {}

  /// The leaver begins with hand_over(). `slot` is the one whose place the worker had, from 0.
  Leaver& add(unsigned slot, std::unique_ptr<Child> worker);
  /// Those that have not begun yet hand their connections over.
  void hand_over();
  /// The service ends: connections are not handed over any more.
  void drain();
  void stop();
  /// `since_last_look`: see HeartbeatWatch.
  void abort_hung(std::chrono::milliseconds since_last_look);
  void change_log(int descriptor, const LogMessage& how);

  /// Some are handing over, and it is not known yet whether they can.
  bool is_moving() const;
  bool is_empty() const noexcept { return leavers_.empty(); }
  const std::list<std::unique_ptr<Leaver>>& leavers() const noexcept { return leavers_; }

  std::vector<LeaverRecord> record() const;
  /// As the program before this one (an upgrade) has left them.
  void restore(const std::vector<LeaverRecord>& records);

 private:
  using Place = std::list<std::unique_ptr<Leaver>>::iterator;
  void erase(Place place);

  const Household& household_;
  std::list<std::unique_ptr<Leaver>> leavers_;
};

}  // namespace tcp_echo
