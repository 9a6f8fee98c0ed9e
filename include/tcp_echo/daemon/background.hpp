// Going to the background as daemon(7) describes it for SysV daemons: the process that was started stays
// until the daemon has told how its start went, and then exits with that.
#pragma once

#include <tl/expected.hpp>

#include "tcp_echo/base/exit_code.hpp"
#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo {

/// The daemon's side. What it writes to stderr until report_ready() is read by the operator who started it.
class Background {
 public:
  /// Forks; call it before there are threads, loops or locks. Returns the object in the daemon, which has a
  /// session of its own without a terminal and works in "/". Returns an exit code in the process that was
  /// started, once the daemon has reported or died: that is what it has to exit with. Throws FatalError if it
  /// cannot fork. Signals that were held back stay so in the daemon; the waiting process takes them.
  static tl::expected<Background, ExitCode> enter();

  /// The service is up. Lets go of stdout and stderr. False if the process that was started does not wait any
  /// more: it was interrupted by its operator, who wants no daemon.
  bool report_ready() noexcept;

  /// The start failed, and stderr has said why.
  void report_failure(ExitCode code) noexcept;

  /// No report was made yet.
  bool is_waited_for() const noexcept { return static_cast<bool>(waiting_); }

 private:
  explicit Background(UniqueFd waiting) : waiting_(std::move(waiting)) {}
  bool report(ExitCode code) noexcept;

  UniqueFd waiting_;  ///< pipe(7) to the process that was started; closed once the report is made
};

}  // namespace tcp_echo
