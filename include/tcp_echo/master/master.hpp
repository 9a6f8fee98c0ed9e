// The master's page: binds the sockets, starts the workers, turns signals into commands, and is the last to
// leave.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "tcp_echo/base/exit_code.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/config/config.hpp"
#include "tcp_echo/ipc/scoreboard.hpp"
#include "tcp_echo/loop/reaper.hpp"
#include "tcp_echo/loop/signal.hpp"
#include "tcp_echo/loop/timer.hpp"
#include "tcp_echo/master/credentials.hpp"
#include "tcp_echo/master/fleet.hpp"
#include "tcp_echo/master/listener_set.hpp"
#include "tcp_echo/master/notifier.hpp"
#include "tcp_echo/master/pid_file.hpp"

namespace tcp_echo {

/// What a master is started with.
struct MasterBirth {
  Config config;
  std::vector<UniqueFd> inherited_sockets;  ///< LISTEN_FDS; used instead of config.listen if there are any
  int log_descriptor;                       ///< what its workers get as stderr; outlives the master
  std::function<bool()> report_ready;       ///< tells whoever waits for it; false if nobody does any more
};

class Master {
 public:
  /// Throws FatalError when something is in the way of starting: nothing is left behind then.
  explicit Master(MasterBirth birth);

  /// Lets in the signals that were held back, starts the workers, supervises them until told to stop, and
  /// returns when the last one has gone. Throws FatalError when the workers cannot be started.
  ExitCode run();

 private:
  void handle_signals();
  void on_all_ready();
  void on_start_failure(const Error& error);
  void on_change();
  void on_all_gone();
  void stop_gracefully(const std::string& why);
  void stop_now();
  void on_stop_signal(int signal);
  void refuse_reload();
  void reopen_log();
  void keep_alive();
  std::string status() const;
  void log_service(unsigned slot);

  MasterBirth birth_;
  const Config& config_;
  unsigned workers_;
  Credentials credentials_;
  std::optional<PidFile> pid_file_;
  Notifier notifier_;
  Loop loop_;
  Reaper reaper_;
  UniqueFd executable_;
  Scoreboard scoreboard_;
  ListenerSet listeners_;
  Timer deadline_;
  Timer alive_;
  std::vector<std::unique_ptr<Signal>> signals_;
  Fleet fleet_;
  std::string told_;  ///< the last status that the service manager heard
  bool is_up_ = false;
  bool stopping_ = false;
  std::optional<Error> start_failure_;
};

}  // namespace tcp_echo
