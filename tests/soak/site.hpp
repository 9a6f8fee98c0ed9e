// Where a walk takes place: a folder with the service's program, configuration, log and pid file, all of
// which it changes, and the daemon that runs there now.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "system/daemon.hpp"
#include "system/faults.hpp"
#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo::test {

class Site {
 public:
  Site();
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;

  std::string file(const std::string& name) const { return (folder_ / name).string(); }
  /// Of loopback; the first is always served, the others now and then.
  const std::vector<std::string>& addresses() const { return addresses_; }

  // Each replaces a file at once.
  void configure(const std::string& text) const;
  void install(const std::string& program) const;
  void install_text(const std::string& text) const;
  void remove_program() const;
  const Faults& faults() const { return faults_; }

  void start();
  Daemon& daemon() { return *daemon_; }
  bool runs() const { return daemon_.has_value(); }
  /// Waits for its end after a signal. What is wrong with how it went; empty if nothing is.
  std::string finish();

  /// The log gets another name; the daemon is not told.
  void rename_log();
  /// From the oldest to the one that is written now.
  std::vector<std::string> logs() const;
  /// The last lines of them all.
  std::string log_tail(std::size_t lines) const;
  /// A copy of them for whoever looks for a fault; where it is.
  std::string keep_logs(const std::string& name) const;

 private:
  std::string left_behind();

  Folder folder_;
  Faults faults_{""};
  std::vector<std::string> addresses_;
  unsigned renamed_ = 0;
  std::optional<Daemon> daemon_;
};

/// pidfd_open(2); nothing in it if the process has gone.
UniqueFd open_pid(pid_t pid);
void signal_pid(const UniqueFd& pidfd, int number);

}  // namespace tcp_echo::test
