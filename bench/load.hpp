// One run of the load generator against one server, and what both had to do for it.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cases.hpp"
#include "server.hpp"
#include "setting.hpp"

namespace tcp_echo::bench {

struct Run {
  bool ok = false;
  std::string complaint;  ///< one line, if not ok
  double seconds = 0;
  double echoes = 0;
  double rate = 0;                    ///< echoes a second
  std::optional<double> server_busy;  ///< processors' worth of time: 0.98 of one
  double client_busy = 0;             ///< share of the threads that it has
  double p50 = 0;                     ///< seconds
  double p99 = 0;

  /// Echoes for a second of the server's processor time.
  std::optional<double> efficiency() const;
};

/// The command line, without the name of the file for the report.
Process::Command load_command(const Setting& setting, const Load& load, std::uint16_t port);

/// Never throws because of what the server or the load generator does: that is in the result.
Run run_load(const Setting& setting, const Load& load, Server& server);

nlohmann::json to_json(const Run& run);

/// How long one run takes.
std::chrono::milliseconds length_of(const Setting& setting, const Load& load);

}  // namespace tcp_echo::bench
