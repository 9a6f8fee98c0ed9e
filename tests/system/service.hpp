// A daemon that is changed while it runs: its configuration file, its program file, and the signals that make
// it take notice.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "system/daemon.hpp"

namespace tcp_echo::test {

/// What the lines of SIGUSR1 say of a worker, or of all.
struct Ledger {
  std::size_t active = 0;
  std::size_t accepted = 0;
  std::size_t closed = 0;
  std::size_t handed_over_in = 0;
  std::size_t handed_over_out = 0;
};

class Service {
 public:
  /// Listens on a free port of 127.0.0.1 unless the arguments say something else.
  explicit Service(std::vector<std::string> arguments = {}, const std::string& configuration = "",
                   Launch launch = {});

  Daemon& daemon() { return *daemon_; }
  std::uint16_t port() { return daemon_->port(); }
  std::string file(const std::string& name) const { return (folder_ / name).string(); }

  /// Writes the configuration file, at once.
  void configure(const std::string& text) const;
  /// Puts a copy in the place of the daemon's program, at once.
  void install(const std::string& program) const;
  /// The same with a shell script.
  void install_script(const std::string& text) const;

  // Each sends a signal, and waits for the line that says how it went and for the workers that have lost
  // their places to be gone.
  bool reload();
  bool fails_to_reload();
  bool upgrade();
  bool fails_to_upgrade();
  bool grow();
  bool shrink();

  /// Whatever is under way does not hold it up, and nothing of it is left.
  void expect_to_stop_soon();

  /// How long a worker that had lost its place was still there, at most.
  std::chrono::milliseconds longest_farewell() const { return longest_farewell_; }

  /// Of each worker, as it is now.
  std::vector<Ledger> ledgers();
  /// The sum of them.
  Ledger ledger();
  /// The same, once as many connections are open as that.
  Ledger ledger_with(std::size_t active);
  /// Its part of the log since the last call.
  std::string news();

 private:
  bool change_by(int signal, const std::string& line, const std::function<bool()>& is_settled);
  bool renew(int signal);
  bool is_announced(int signal, const std::string& line);

  Folder folder_;
  std::optional<Daemon> daemon_;
  std::size_t read_ = 0;
  std::chrono::milliseconds longest_farewell_{};
};

/// Programs to upgrade to.
std::string next_program();
std::string foreign_program();

}  // namespace tcp_echo::test
