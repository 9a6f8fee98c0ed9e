// How the service is, and who is told: the service manager, in words, as it starts, changes and ends; the
// scoreboard, for everybody who looks; and the log.
#pragma once

#include <string>

#include "tcp_echo/daemon/notifier.hpp"
#include "tcp_echo/fleet/fleet.hpp"
#include "tcp_echo/ipc/event_log.hpp"
#include "tcp_echo/ipc/scoreboard.hpp"
#include "tcp_echo/jobs/jobs.hpp"
#include "tcp_echo/loop/timer.hpp"

namespace tcp_echo {

class ServiceReport final : public JobWaiter {
 public:
  /// `loop`, `fleet`, `jobs` and `scoreboard` outlive it.
  ServiceReport(Loop& loop, const Fleet& fleet, const Jobs& jobs, Scoreboard& scoreboard);

  /// "serving on [::]:8090; 2 of 2 workers ready".
  std::string status() const;

  /// The service begins to start.
  void starting();
  void ready();
  /// The status may be another one now.
  void update();
  /// Clients are served on other addresses now, or in another generation.
  void on_changed();
  void stopping(const std::string& status);
  /// Proofs of life from now on, if the manager wants them.
  void keep_alive();

  /// Looks how full the accept queues are. Costs a system call for each listening socket.
  void look_at_queues();

  /// A line for each worker and one for the service.
  void log_statistics();
  /// A line for each worker's place, at the end.
  void log_what_was_served();

 private:
  void on_begin(const Job& job) override;
  void on_end(const Job& job, const Outcome& outcome) override;
  void show(ServiceState state) { scoreboard_.master().state.store(state); }

  Loop& loop_;
  const Fleet& fleet_;
  const Jobs& jobs_;
  Scoreboard& scoreboard_;
  EventLog events_;
  Notifier notifier_;
  std::string told_;  ///< the last status that was sent
  Timer alive_;
};

}  // namespace tcp_echo
