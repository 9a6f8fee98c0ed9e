// Where the processes of a service log to, and at which level: their master changes it for all of them.
#pragma once

#include <optional>
#include <string>

#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/config/config.hpp"
#include "tcp_echo/fleet/fleet.hpp"
#include "tcp_echo/master/admin_service.hpp"

namespace tcp_echo {

class ServiceLog {
 public:
  /// All of them outlive it. `descriptor` is what the processes have as stderr.
  ServiceLog(Fleet& fleet, AdminService& admin, int descriptor)
      : fleet_(fleet), admin_(admin), descriptor_(descriptor) {}

  /// To the file that has the name of the log now, if it goes to a file. The log says what became of it.
  void reopen();
  /// As the next configuration has it, to what was opened for it. When that fails all stays as it is.
  Result<void> change(const UniqueFd& opened, const Config& next);

  /// As it is, once it is the one that is wanted by hand; empty: none is. Fails with kUsage.
  Result<std::string> level(const std::string& wanted);
  void set_level(LogLevel level);
  /// None, once the configuration has named another one than it did.
  std::optional<LogLevel> level_set_by_hand() const { return set_by_hand_; }

 private:
  const Config& config() const { return fleet_.generation()->config; }
  LogLevel level() const { return set_by_hand_.value_or(config().log_level); }
  void tell_all(LogLevel level);

  Fleet& fleet_;
  AdminService& admin_;
  int descriptor_;
  std::optional<LogLevel> set_by_hand_;
};

}  // namespace tcp_echo
