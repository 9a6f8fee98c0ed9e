// What the master was asked for and has not begun with: requests come at any time, and one thing is done at a
// time. Requests for the same thing merge, none is lost, and whoever waits for it goes with it. Pure.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "tcp_echo/upgrade/job.hpp"

namespace tcp_echo {

class Agenda {
 public:
  /// Merges it with one for the same thing.
  void ask_for(Job job);

  /// What is to be done next, and is off the agenda then; nothing if there is nothing to do. The more it
  /// renews the earlier it comes, for it may do with what comes later.
  std::optional<Job> next();

  /// All that is on it, in the order of next(), for a program that takes over.
  std::vector<Job> jobs() const;

 private:
  void add_scaling(Job job);

  std::optional<Job> upgrade_;
  std::optional<Job> reload_;
  std::deque<Job> scalings_;  ///< of which only the last may still merge with a new one
  std::deque<Job> restarts_;
};

}  // namespace tcp_echo
