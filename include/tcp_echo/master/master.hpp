// The master's page: binds the sockets, starts the workers, obeys commands, and is the last to leave.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tcp_echo/base/exit_code.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/config/commands.hpp"
#include "tcp_echo/config/config.hpp"
#include "tcp_echo/config/reader.hpp"
#include "tcp_echo/daemon/credentials.hpp"
#include "tcp_echo/daemon/pid_file.hpp"
#include "tcp_echo/fleet/fleet.hpp"
#include "tcp_echo/ipc/event_log.hpp"
#include "tcp_echo/ipc/scoreboard.hpp"
#include "tcp_echo/jobs/jobs.hpp"
#include "tcp_echo/listeners/generation.hpp"
#include "tcp_echo/loop/reaper.hpp"
#include "tcp_echo/loop/signal.hpp"
#include "tcp_echo/loop/timer.hpp"
#include "tcp_echo/master/admin_service.hpp"
#include "tcp_echo/master/service_log.hpp"
#include "tcp_echo/master/service_report.hpp"
#include "tcp_echo/master/steering.hpp"
#include "tcp_echo/process/program_launcher.hpp"
#include "tcp_echo/upgrade/program_change.hpp"
#include "tcp_echo/upgrade/upgrade_state.hpp"

namespace tcp_echo {

/// What a master is started with.
struct MasterBirth {
  Config config;
  std::string program;  ///< the path of its file, by which a newer one is found
  /// The command line, and the folder it was given in: for a program that takes over.
  std::vector<std::string> arguments = {};
  std::string folder = {};
  std::function<Result<GivenConfig>()> read_config = {};  ///< the configuration again, for a reload
  /// LISTEN_FDS; used instead of config.listen if there are any.
  std::vector<UniqueFd> inherited_sockets = {};
  int log_descriptor = -1;                  ///< what its workers get as stderr; outlives the master
  std::function<bool()> report_ready = {};  ///< tells the process that waits for it; false if none does
};

/// What a master gets that takes the place of another one. Descriptors are borrowed.
struct MasterInheritance {
  UpgradeState state;
  int program = -1;  ///< of this program's file
  int former = -1;   ///< of the file to go back to if this program cannot serve; -1: this has gone back
};

class Master final : private Jobs::Host, private Steering::Host {
 public:
  /// Throws FatalError when something is in the way of starting: nothing is left behind then.
  explicit Master(MasterBirth birth);
  /// Goes on where another program has stopped. Throws FatalError when that cannot be done: everything is as
  /// it was then, for another program to try. Otherwise the descriptors in the state are closed; others on
  /// the same files are used.
  Master(MasterBirth birth, const MasterInheritance& inheritance);

  /// Lets in the signals that were held back, starts the workers, supervises them until told to stop, and
  /// returns when the last one has gone. Throws FatalError when the workers cannot be started.
  ExitCode run();

 private:
  /// What a start acquires, and a take-over receives.
  struct Holdings {
    unsigned workers;
    Credentials credentials;
    std::optional<PidFile> pid_file;
    std::optional<ControlSocket> control_socket;
    UniqueFd executable;
    Scoreboard scoreboard;
    std::shared_ptr<const Generation> generation;
    std::size_t slots = 0;  ///< more than workers, if some were scaled away
  };
  static Holdings acquire(MasterBirth& birth);
  static Holdings receive(const MasterBirth& birth, const MasterInheritance& inheritance);
  Master(MasterBirth&& birth, Holdings holdings);
  UpgradeState record();

  void start();
  void handle_signals();
  void obey(Command command, int signal);
  void stop(int signal);
  void stop_gracefully(const std::string& why);
  void put_up_addresses();

  // What the fleet tells.
  void on_all_ready();
  void on_start_failure(const Error& error);
  void on_all_gone();
  void on_end();

  // What a job needs.
  Result<GivenConfig> read_config() override { return birth_.read_config(); }
  Result<void> change_log(const UniqueFd& log, const Config& next) override { return log_.change(log, next); }
  bool holds_removed_listeners() const override { return admin_.holds_removed_listeners(); }
  void on_changed() override;
  void upgrade() override;
  void prove() override { change_.prove(); }
  void go_back() override { change_.go_back(); }
  void answer(Ticket ticket, const Outcome& outcome) override { steering_.answer(ticket, outcome); }

  // What an operator asks for.
  void stop_for(const std::string& who) override;
  Result<std::string> log_level(const std::string& wanted) override { return log_.level(wanted); }

  const Config& config() const { return fleet_.generation()->config; }

  MasterBirth birth_;
  Credentials credentials_;
  std::optional<PidFile> pid_file_;
  Loop loop_;
  Reaper reaper_;
  UniqueFd executable_;
  Scoreboard scoreboard_;
  EventLog events_;
  ProgramLauncher launcher_;
  Timer deadline_;
  std::vector<std::unique_ptr<Signal>> signals_;
  Fleet fleet_;
  Jobs jobs_;
  ServiceReport report_;
  Steering steering_;
  AdminService admin_;
  ServiceLog log_;
  ProgramChange change_;
  UniqueFd notice_;       ///< of the addresses, for --probe
  bool is_over_ = false;  ///< all workers have gone
  std::optional<Error> start_failure_;
};

}  // namespace tcp_echo
