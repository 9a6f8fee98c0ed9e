// The clients of a walk: of each kind so many at a time, and a new one for each that has ended; all in one
// thread. Counts how they ended, and stops at the first that has no excuse.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "soak/chronicle.hpp"
#include "soak/visitor.hpp"

namespace tcp_echo::test {

/// How the clients of one kind have ended, by verdict.
struct HabitCounts {
  std::array<std::size_t, kVerdictNames.size()> ended{};
  std::size_t connected = 0;
  std::uint64_t bytes = 0;  ///< received and compared
  std::chrono::milliseconds longest_silence{};
};

class Visitors {
 public:
  Visitors(const Chronicle& chronicle, std::uint64_t seed);
  ~Visitors();
  Visitors(const Visitors&) = delete;
  Visitors& operator=(const Visitors&) = delete;

  /// No new ones come, and those who are there leave when they have their bytes.
  void let_leave() { leaving_ = true; }
  bool have_left() const { return open_ == 0; }

  /// The first that had no excuse; empty as long as there is none.
  std::string failure() const;
  std::array<HabitCounts, kHabits.size()> counts() const;

 private:
  struct Guest {
    std::unique_ptr<Visitor> visitor;
    std::size_t habit = 0;
    std::uint32_t interest = 0;
  };
  using Guests = std::list<Guest>;

  void run();
  void turn();
  void keep_time();
  void fill_up();
  void admit(std::size_t habit);
  void look_at_the_clock();
  bool settle(Guests::iterator guest);
  void book(const Guest& guest);

  const Chronicle& chronicle_;
  Dice dice_;
  Pattern pattern_;
  UniqueFd epoll_;
  Guests guests_;
  std::array<std::size_t, kHabits.size()> present_{};
  std::array<Moment, kHabits.size()> next_arrival_{};
  std::uint64_t last_number_ = 0;
  std::chrono::milliseconds awake_{};  ///< the time in which nothing stood still
  Moment last_turn_ = Clock::now();
  std::atomic<bool> over_{false};
  std::atomic<bool> leaving_{false};
  std::atomic<std::size_t> open_{0};
  mutable std::mutex mutex_;
  std::string failure_;
  std::array<HabitCounts, kHabits.size()> counts_{};
  std::thread thread_;
};

}  // namespace tcp_echo::test
