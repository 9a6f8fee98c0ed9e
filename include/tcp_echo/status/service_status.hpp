// The scoreboard as plain values that agree with each other. Any process that has mapped it may ask; nothing
// here waits for its writers.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tcp_echo/base/tally.hpp"
#include "tcp_echo/ipc/scoreboard.hpp"

namespace tcp_echo {

/// A listen address, with the accept queues that all slots have for it.
struct ListenerStatus {
  std::string address;  ///< without the port
  unsigned port = 0;
  unsigned waiting = 0;  ///< clients
  unsigned room = 0;     ///< for so many clients
  double fullest = 0;    ///< how full the fullest queue is, from 0 to 1
  bool operator==(const ListenerStatus&) const = default;
};

struct SlotStatus {
  unsigned slot = 0;  ///< counted from 1
  int pid = 0;        ///< 0: no process
  unsigned generation = 0;
  WorkerState state = WorkerState::kNone;
  std::chrono::milliseconds uptime{};  ///< of the process
  unsigned served_by = 0;              ///< the slot whose worker accepts here; 0: none does
  std::array<std::uint64_t, kRestartReasonCount> restarts{};
  double busy_ratio = 0;                 ///< of the worker's last second, from 0 to 1
  std::chrono::microseconds loop_lag{};  ///< by which its loop was late
  Tally tally;                           ///< of all processes that the slot ever had

  std::uint64_t all_restarts() const noexcept;
  /// Those of them that nobody asked for.
  std::uint64_t failures() const noexcept;
};

struct ServiceStatus {
  std::string version;
  int pid = 0;
  std::chrono::milliseconds uptime{};
  std::chrono::milliseconds started_on{};  ///< since the epoch
  unsigned generation = 0;
  ServiceState state = ServiceState::kStarting;
  std::vector<ListenerStatus> listeners;
  std::string admin_address;         ///< with its port; empty: no HTTP is served
  std::uint64_t admin_failures = 0;  ///< how often the process that serves it has ended by itself
  std::vector<SlotStatus> slots;     ///< every slot that ever had a worker, in order
  Tally totals;
  std::uint64_t reloads = 0;
  std::uint64_t failed_reloads = 0;
  std::uint64_t listen_overflows = 0;
  std::uint64_t listen_drops = 0;

  std::uint64_t worker_restarts() const noexcept;
  /// The master serves: it has started, and has not been told to stop.
  bool is_healthy() const noexcept;
  /// Why clients are not served as they should be, in a sentence; nothing while every accept queue has a
  /// READY worker, its own or another one.
  std::optional<std::string> why_not_ready() const;
};

/// `now` is on the monotonic clock, in whose milliseconds the scoreboard keeps its times.
ServiceStatus read_status(const Scoreboard& scoreboard, std::chrono::milliseconds now);

}  // namespace tcp_echo
