// Tells the service manager how the service is: sd_notify(3), https://systemd.io/INTERFACES
//
// The protocol is one datagram of text, and libsystemd does not exist everywhere, so this speaks it itself,
// as that page suggests.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>

#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/loop/poll.hpp"

namespace tcp_echo {

/// Does nothing where no manager listens. Never waits: what a busy manager has no room for
/// (net.unix.max_dgram_qlen) is sent from the loop once it has. A state that cannot be sent for any other
/// reason is logged, and the service goes on.
class Notifier {
 public:
  /// How much a manager that does not read is owed at most; beyond that the oldest is forgotten.
  static constexpr std::size_t kMostOwed = 32;

  /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
  explicit Notifier(Loop& loop);
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  /// `status` is one line of words, as `systemctl status` shows it.
  void ready(const std::string& status);
  void status(const std::string& status);
  void reloading();
  void stopping(const std::string& status);
  /// The proof of life that the manager asked for. A manager that is owed something has not even read the
  /// earlier ones, and needs no other.
  void alive();
  /// How often it wants that: twice in the time after which it would give us up. Nothing if it does not.
  std::optional<std::chrono::milliseconds> alive_interval() const noexcept { return alive_interval_; }

 private:
  void tell(std::string state);
  /// In the order in which it came, as far as there is room.
  void send_owed();
  /// False if there is no room; true if that is done with, sent or given up.
  bool try_to_send(const std::string& state) const;

  UniqueFd socket_;
  std::optional<Poll> room_;  ///< watched while something is owed
  std::deque<std::string> owed_;
  std::optional<std::chrono::milliseconds> alive_interval_;
};

}  // namespace tcp_echo
