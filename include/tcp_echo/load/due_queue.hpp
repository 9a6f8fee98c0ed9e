// What is to be done when: one entry for each thing that waits for a time, the next one first.
//
// A binary heap whose entries know their place, so that an entry moves in O(log n) and without an allocation
// when its time changes; one Alarm for all. Belongs to one loop.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "tcp_echo/loop/alarm.hpp"

namespace tcp_echo {

class DueQueue;

/// Something that waits for a time. It may be destroyed only when it waits for none.
class Due {
 public:
  using Time = Alarm::Time;

  Due() = default;
  virtual ~Due() = default;
  Due(const Due&) = delete;
  Due& operator=(const Due&) = delete;

  bool is_scheduled() const noexcept { return place_ != kNowhere; }
  /// What it was scheduled for last.
  Time due() const noexcept { return due_; }

  /// It is no longer scheduled when this is called.
  virtual void on_due(Time now) noexcept = 0;

 private:
  friend DueQueue;
  static constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);
  static constexpr std::size_t kInTurn = std::size_t{1} << 63U;

  Time due_;
  std::size_t place_ = kNowhere;  ///< in the heap; with kInTurn, among those whose turn it is
};

class DueQueue {
 public:
  using Time = Due::Time;

  explicit DueQueue(Loop& loop);

  /// So many may be scheduled at a time without an allocation.
  void reserve(std::size_t entries) {
    heap_.reserve(entries);
    in_turn_.reserve(entries);
  }

  /// Also for one that is scheduled already: it gets another time.
  void schedule(Due& entry, Time time);
  void cancel(Due& entry) noexcept;

 private:
  void on_alarm();
  void arm() noexcept;
  void take_from_heap(std::size_t place) noexcept;
  void put(std::size_t place, Due* entry) noexcept;
  void settle(std::size_t place) noexcept;

  std::vector<Due*> heap_;
  std::vector<Due*> in_turn_;  ///< those that are due now, in order; null once called or cancelled
  Alarm alarm_;
  Time armed_ = Time::max();
  bool is_running_ = false;
};

}  // namespace tcp_echo
