// Tells the service manager how the service is: sd_notify(3), https://systemd.io/INTERFACES
//
// The protocol is one datagram of text, and libsystemd does not exist everywhere, so this speaks it itself,
// as that page suggests.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo {

/// Does nothing where no manager listens. A state that cannot be sent is logged; it is nobody's end.
class Notifier {
 public:
  /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
  static Notifier from_environment();

  /// `status` is one line of words, as `systemctl status` shows it.
  void ready(const std::string& status) const;
  void status(const std::string& status) const;
  void reloading() const;
  void stopping(const std::string& status) const;
  /// The proof of life that the manager asked for.
  void alive() const;
  /// How often it wants that: twice in the time after which it would give us up. Nothing if it does not.
  std::optional<std::chrono::milliseconds> alive_interval() const noexcept { return alive_interval_; }

 private:
  void send(const std::string& state) const;
  /// Waits for a manager that is busy, a second at most: without this word it would take us for one that
  /// hangs.
  void send_surely(const std::string& state) const;
  void send(const std::string& state, int flags) const;

  UniqueFd socket_;
  std::optional<std::chrono::milliseconds> alive_interval_;
};

}  // namespace tcp_echo
