// What was done to the service and when, and what that excuses. The walk writes it, the visitors' thread asks
// it about connections that ended before their time: whatever has no excuse is a failure.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "system/daemon.hpp"

namespace tcp_echo::test {

using Moment = Clock::time_point;

/// A connection as the kernel names it: the ports of client and server.
using PortPair = std::pair<std::uint16_t, std::uint16_t>;

/// Of configurations that the walk writes: nothing is closed for being idle before, and no drain is over.
inline constexpr std::chrono::milliseconds kShortestIdle{2000};
inline constexpr std::chrono::milliseconds kShortestShutdown{2000};
inline constexpr std::chrono::milliseconds kLongestShutdown{4000};

class Chronicle {
 public:
  /// The last word of each change, for the report of a failure.
  void note(const std::string& text);
  std::string last_notes() const;

  /// The connections that a worker has which is about to die for certain, or to stand still for so long and
  /// perhaps to die.
  void add_victim(pid_t pid, std::set<PortPair> connections,
                  std::optional<std::chrono::milliseconds> stopped_for);
  /// The log says that a signal has ended it.
  void note_death(pid_t pid);
  /// Whether a signal of ours may have ended that process.
  bool was_harmed(pid_t pid) const;
  /// It was sent a signal to leave.
  void note_request(pid_t pid);
  bool was_asked_to_leave(pid_t pid) const;
  /// Whether a signal has ended the worker that had this connection.
  bool explains_loss(const PortPair& connection, Moment connected_at) const;

  /// From now on workers drain: connections end as they fall quiet, and at the deadline all that are left.
  /// `longest` from now they have ended, or when end_drains() says so.
  void add_drain(std::chrono::milliseconds deadline, std::chrono::milliseconds longest);
  void end_drains();
  bool drains(Moment at) const;
  bool is_past_deadline(Moment at) const;

  /// The configuration names these addresses now.
  void configured(const std::vector<std::string>& addresses);
  /// The log says that it serves on these.
  void serves(const std::vector<std::string>& addresses);
  /// From now on nothing is served, whatever older lines of the log say.
  void goes_down();
  void comes_up() { is_down_ = false; }
  /// Whether nothing but a fault can have kept that address from being served, from then on until now.
  bool is_surely_served(const std::string& address, Moment since) const;
  std::vector<std::string> addresses() const;

  /// While something stands still, nobody's silence counts; and what was under way takes as much longer.
  void freeze() { ++frozen_; }
  void thaw(Moment frozen_since);
  bool is_frozen() const;

  /// Whether workers that start are made to fail, or were lately.
  void set_faults(bool active);
  bool has_faults() const;

 private:
  struct Victim {
    pid_t pid;
    bool has_died;
    std::set<PortPair> connections;
    Moment at;
    Moment until;
  };
  struct Drain {
    Moment begin;
    Moment deadline;
    Moment end;
  };
  struct Address {
    std::string text;
    bool is_configured = false;
    Moment left_out{};             ///< by a configuration, for the last time
    Moment served_since = kNever;  ///< without a doubt
  };
  static constexpr Moment kNever = Moment::max();

  Address& address(const std::string& text);

  mutable std::mutex mutex_;
  Moment start_ = Clock::now();
  std::deque<std::string> notes_;
  std::deque<Victim> victims_;
  std::set<pid_t> harmed_;
  std::set<pid_t> asked_;
  std::deque<Drain> drains_;
  std::vector<Address> addresses_;
  std::atomic<bool> is_down_{true};
  std::atomic<int> frozen_{0};
  std::atomic<Moment> thawed_at_{Moment{}};
  std::atomic<Moment> faults_until_{Moment{}};
};

}  // namespace tcp_echo::test
