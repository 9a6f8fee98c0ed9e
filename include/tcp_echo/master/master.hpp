// The master's page: binds the sockets, starts the workers, turns signals into commands, and is the last to
// leave.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tcp_echo/base/exit_code.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/config/config.hpp"
#include "tcp_echo/config/loader.hpp"
#include "tcp_echo/daemon/credentials.hpp"
#include "tcp_echo/daemon/notifier.hpp"
#include "tcp_echo/daemon/pid_file.hpp"
#include "tcp_echo/fleet/fleet.hpp"
#include "tcp_echo/fleet/patience.hpp"
#include "tcp_echo/ipc/scoreboard.hpp"
#include "tcp_echo/listeners/generation.hpp"
#include "tcp_echo/loop/reaper.hpp"
#include "tcp_echo/loop/signal.hpp"
#include "tcp_echo/loop/timer.hpp"
#include "tcp_echo/master/agenda.hpp"
#include "tcp_echo/process/backoff.hpp"
#include "tcp_echo/process/program_launcher.hpp"
#include "tcp_echo/upgrade/preflight.hpp"
#include "tcp_echo/upgrade/upgrade_state.hpp"

namespace tcp_echo {

/// What a master is started with.
struct MasterBirth {
  Config config;
  std::string program;  ///< the path of its file, by which a newer one is found
  /// The command line, and the folder it was given in: for a program that takes over.
  std::vector<std::string> arguments = {};
  std::string folder = {};
  std::function<Result<Loaded>()> load = {};  ///< the configuration again, for a reload
  /// LISTEN_FDS; used instead of config.listen if there are any.
  std::vector<UniqueFd> inherited_sockets = {};
  int log_descriptor = -1;                  ///< what its workers get as stderr; outlives the master
  std::function<bool()> report_ready = {};  ///< tells whoever waits for it; false if nobody does any more
};

/// What a master gets that takes the place of another one. Descriptors are borrowed.
struct MasterInheritance {
  UpgradeState state;
  int program = -1;  ///< of this program's file
  int former = -1;   ///< of the file to go back to if this program cannot serve; -1: this has gone back
};

class Master {
 public:
  /// Throws FatalError when something is in the way of starting: nothing is left behind then.
  explicit Master(MasterBirth birth);
  /// Goes on where another program has stopped. Throws FatalError when that cannot be done: everything is as
  /// it was then, for the next one to try. Otherwise the descriptors in the state are closed; others on the
  /// same files are used.
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
    UniqueFd executable;
    Scoreboard scoreboard;
    std::shared_ptr<const Generation> generation;
    std::size_t slots = 0;  ///< more than workers, if some were scaled away
  };
  static Holdings acquire(MasterBirth& birth);
  static Holdings receive(const MasterBirth& birth, const MasterInheritance& inheritance);
  Master(MasterBirth&& birth, Holdings holdings);

  void start();
  void handle_signals();
  void on_all_ready();
  void put_up_addresses();
  void on_start_failure(const Error& error);
  void on_change();
  void on_leaving(unsigned slot, pid_t worker);
  void on_all_gone();
  void stop_gracefully(const std::string& why);
  void stop_now();
  void on_stop_signal(int signal);
  void reopen_log();
  void log_statistics();
  void keep_alive();
  std::string status() const;
  void tell_status();
  void log_service(unsigned slot);

  // master_jobs.cpp: what changes the workers on purpose, one thing after the other
  void proceed();
  void begin_next();
  std::optional<Job> next_job();
  void begin(const Job& job);
  void reload();
  Result<Movement> plan_reload();
  Result<void> change_log(const UniqueFd& log, const Config& next);
  void on_reloaded(const Result<void>& done);
  void scale(int by);
  void on_scaled(unsigned workers, const Result<void>& done);
  void restart(const Job& job);
  void on_restarted(const Job& job, const Result<void>& done);
  void retry_restarts();

  // master_upgrade.cpp
  void upgrade();
  void on_preflight(const Result<void>& done);
  void replace_program();
  Result<void> execute(const UniqueFd& state_file, const std::vector<int>& descriptors);
  void fail_upgrade(const Error& error);
  bool can_go_back() const { return static_cast<bool>(former_program_) && !stopping_; }
  void go_back();
  UpgradeState record() const;
  void take_up_agenda(const UpgradeState& state);

  void take_up(const std::shared_ptr<const Generation>& generation, unsigned workers, bool is_scaled_by_hand);
  const Config& config() const noexcept { return generation_->config; }

  MasterBirth birth_;
  unsigned workers_;                ///< wanted now
  bool is_scaled_by_hand_ = false;  ///< holds until the configuration names another count than it did
  Credentials credentials_;
  std::optional<PidFile> pid_file_;
  Loop loop_;
  Notifier notifier_;
  Reaper reaper_;
  UniqueFd executable_;
  Scoreboard scoreboard_;
  ProgramLauncher launcher_;
  std::shared_ptr<const Generation> generation_;
  Timer deadline_;
  Timer alive_;
  Timer due_;  ///< rings when something may be begun
  Timer retry_;
  std::vector<Job> failed_restarts_;  ///< tried again when retry_ rings
  Backoff restart_backoff_;
  Agenda agenda_;
  UniqueFd next_program_;    ///< while an upgrade is under way
  UniqueFd former_program_;  ///< until this one has shown that it can serve
  std::unique_ptr<Preflight> preflight_;
  bool is_to_be_replaced_ = false;  ///< the loop stopped for that
  bool is_going_back_ = false;      ///< to the program that was here before
  bool owes_reload_ = false;        ///< to somebody who asked the former program for it
  std::vector<std::unique_ptr<Signal>> signals_;
  Fleet fleet_;
  UniqueFd notice_;   ///< of the addresses, for --probe
  std::string told_;  ///< the last status that the service manager heard
  bool is_up_ = false;
  std::chrono::milliseconds started_at_{};  ///< the service, on the loop's clock
  bool is_busy_ = false;                    ///< with a job
  bool stopping_ = false;
  bool is_over_ = false;  ///< everybody has gone
  std::optional<Error> start_failure_;
};

}  // namespace tcp_echo
