// How the service is, in words: the service manager is told as the service starts, changes and ends.
#pragma once

#include <string>

#include "tcp_echo/daemon/notifier.hpp"
#include "tcp_echo/fleet/fleet.hpp"
#include "tcp_echo/loop/timer.hpp"
#include "tcp_echo/master/jobs.hpp"

namespace tcp_echo {

class ServiceReport final : public JobWaiter {
 public:
  /// `loop`, `fleet` and `jobs` outlive it.
  ServiceReport(Loop& loop, const Fleet& fleet, const Jobs& jobs);

  /// "serving on [::]:8090; 2 of 2 workers ready".
  std::string status() const;

  void ready();
  /// The status may be another one now.
  void update();
  void stopping(const std::string& status) { notifier_.stopping(status); }
  /// Proofs of life from now on, if the manager wants them.
  void keep_alive();

 private:
  void on_begin(const Job& job) override;
  void on_end(const Job& job, const Result<void>& done) override;

  const Fleet& fleet_;
  const Jobs& jobs_;
  Notifier notifier_;
  std::string told_;  ///< the last status that was sent
  Timer alive_;
};

}  // namespace tcp_echo
