// The master's page: binds the sockets, starts the workers, turns signals into commands, and is the last to
// leave.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "tcp_echo/base/exit_code.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/config/config.hpp"
#include "tcp_echo/ipc/scoreboard.hpp"
#include "tcp_echo/loop/signal.hpp"
#include "tcp_echo/loop/timer.hpp"
#include "tcp_echo/master/fleet.hpp"
#include "tcp_echo/master/listener_set.hpp"

namespace tcp_echo {

class Master {
 public:
  /// `log_descriptor` is where this process logs; its workers log to the same. Throws FatalError when
  /// something is in the way of starting: nothing is left behind then.
  Master(Config config, int log_descriptor);

  /// Lets in the signals that were held back, starts the workers, supervises them until told to stop, and
  /// returns when the last one has gone. Throws FatalError when the workers cannot be started.
  ExitCode run();

 private:
  void handle_signals();
  void on_all_ready();
  void on_start_failure(const Error& error);
  void on_all_gone();
  void stop_gracefully(int signal);
  void stop_now();
  void log_service(unsigned slot);

  Config config_;
  unsigned workers_;
  Loop loop_;
  UniqueFd executable_;
  Scoreboard scoreboard_;
  ListenerSet listeners_;
  Timer deadline_;
  std::vector<std::unique_ptr<Signal>> signals_;
  Fleet fleet_;
  bool stopping_ = false;
  std::optional<Error> start_failure_;
};

}  // namespace tcp_echo
