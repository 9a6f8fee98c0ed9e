// The effective configuration: plain values, no behaviour. What each means, its bounds and its default stand
// in the option table (options.hpp); the reader fills this in.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tcp_echo/base/endpoint.hpp"

namespace tcp_echo {

enum class CpuAffinity : std::uint8_t { kOff, kAuto };
enum class LogLevel : std::uint8_t { kTrace, kDebug, kInfo, kWarn, kError };
enum class LogFormat : std::uint8_t { kText, kJson };
enum class LogTimestamps : std::uint8_t { kAuto, kOn, kOff };
enum class Sandbox : std::uint8_t { kOff, kAuto, kRequire };

struct Config {
  std::string start_folder;       ///< absolute: relative paths begin there; empty: where the process is
  std::string config_file;        ///< absolute; empty: none
  std::vector<Endpoint> listen;   ///< never empty once it is read
  bool listen_is_default = true;  ///< no address was named: 0.0.0.0 may stand in for [::] where IPv6 is off
  unsigned workers = 0;           ///< 0: as many as CPUs are usable
  CpuAffinity cpu_affinity{};
  unsigned backlog = 0;

  std::chrono::milliseconds idle_timeout{};  ///< 0: never
  std::string idle_notice;
  std::chrono::milliseconds linger_timeout{};  ///< 0: do not wait
  bool send_reset = false;
  std::chrono::milliseconds keepalive{};  ///< 0: off
  bool nodelay = false;
  unsigned worker_connections = 0;  ///< 0: unlimited
  unsigned worker_recycle_after = 0;

  std::chrono::milliseconds shutdown_timeout{};
  std::chrono::milliseconds ready_timeout{};
  std::chrono::milliseconds respawn_delay_min{};
  std::chrono::milliseconds respawn_delay_max{};
  std::chrono::milliseconds watchdog{};

  std::string user;
  std::string group;
  Sandbox sandbox{};
  bool daemon = false;
  std::string pid_file;
  std::string control_socket;            ///< absolute, or "off", or "auto": the first of the usual places
  std::optional<Endpoint> admin_listen;  ///< none: off

  LogLevel log_level{};
  std::string log_file;  ///< absolute; empty: stderr
  LogFormat log_format{};
  bool log_connections = false;
  LogTimestamps log_timestamps{};
};

}  // namespace tcp_echo
