// From the configuration to what base/log.hpp takes.
#pragma once

#include "tcp_echo/base/log.hpp"
#include "tcp_echo/config/config.hpp"

namespace tcp_echo {

inline LogSettings log_settings(const Config& config, int fd) {
  static_assert(static_cast<int>(LogLevel::kTrace) == SPDLOG_LEVEL_TRACE &&
                static_cast<int>(LogLevel::kError) == SPDLOG_LEVEL_ERROR);
  LogSettings settings;
  settings.level = static_cast<spdlog::level::level_enum>(config.log_level);
  settings.fd = fd;
  settings.syslog = config.daemon && config.log_file.empty();  // in the background nobody reads stderr
  switch (config.log_timestamps) {
    case LogTimestamps::kAuto: settings.timestamps = !goes_to_journal(fd); break;
    case LogTimestamps::kOn: settings.timestamps = true; break;
    case LogTimestamps::kOff: settings.timestamps = false; break;
  }
  return settings;
}

}  // namespace tcp_echo
