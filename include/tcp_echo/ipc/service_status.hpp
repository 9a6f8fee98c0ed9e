// The scoreboard as plain values that agree with each other, and their text as `tcp-echo-ctl status --json` and
// /status give it. Reads only, waits for nobody; any process that has the scoreboard may call it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tcp_echo/base/counters.hpp"
#include "tcp_echo/ipc/scoreboard.hpp"

namespace tcp_echo {

struct ListenerStatus {
  std::string address;  ///< without the port
  unsigned port = 0;
  unsigned accept_queue = 0;
  unsigned accept_queue_limit = 0;
};

struct SlotStatus {
  unsigned slot = 0;  ///< counted from 1
  int pid = 0;        ///< 0: no process
  unsigned generation = 0;
  WorkerState state = WorkerState::kNone;
  std::chrono::milliseconds uptime{};  ///< of the process
  unsigned served_by = 0;              ///< the slot whose worker accepts here; 0: nobody
  std::array<std::uint64_t, kRestartReasons.size()> restarts{};
  double busy_ratio = 0;                      ///< of the worker's last second
  std::chrono::microseconds loop_lag{};       ///< by which its loop was late
  Tally tally;                                ///< of all processes that the slot ever had

  std::uint64_t all_restarts() const noexcept;
};

struct ServiceStatus {
  std::string version;
  int pid = 0;
  std::chrono::milliseconds uptime{};
  std::chrono::milliseconds started_on{};  ///< since the epoch
  unsigned generation = 0;
  ServiceState state = ServiceState::kStarting;
  std::vector<ListenerStatus> listeners;
  std::vector<SlotStatus> slots;  ///< every slot that there ever was, in order
  Tally totals;
  std::uint64_t reloads = 0;
  std::uint64_t failed_reloads = 0;
  std::uint64_t admin_restarts = 0;
  std::uint64_t listen_overflows = 0;
  std::uint64_t listen_drops = 0;
  std::vector<ServiceEvent> events;  ///< oldest first
  std::vector<Sample> samples;       ///< oldest first

  std::uint64_t worker_restarts() const noexcept;
};

/// `now` is on the monotonic clock, in whose milliseconds the scoreboard keeps its times.
ServiceStatus read_status(const Scoreboard& scoreboard, std::chrono::milliseconds now);

/// The clock that processes share: CLOCK_MONOTONIC, as the loops have it.
std::chrono::milliseconds monotonic_now();

/// Why clients are not served as they should be; nothing while every listener is served by a READY worker, its
/// own or a borrower. From the first moment of a stop there is a reason.
std::optional<std::string> why_not_ready(const ServiceStatus& status);

/// Whether the master serves at all.
bool is_healthy(const ServiceStatus& status);

/// One line of JSON, no newline. Times in seconds, bytes in bytes.
std::string status_json(const ServiceStatus& status);

/// The same with the events and the last five minutes: what the status page shows.
std::string live_json(const ServiceStatus& status);

}  // namespace tcp_echo
