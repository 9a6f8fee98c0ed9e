// A client of a daemon's admin process.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "system/daemon.hpp"

namespace tcp_echo::test {

struct HttpAnswer {
  int status = 0;  ///< 0: there was none
  std::string head;
  std::string body;
};

/// Asks once, on a connection of its own.
HttpAnswer http_get(std::uint16_t port, const std::string& path);

/// The JSON of /status; throws if there is none.
nlohmann::json http_status(std::uint16_t port);

/// The port of the last address that the daemon's log names for HTTP. Waits for it.
std::uint16_t admin_port(const Daemon& daemon);

/// The admin process of that master that runs now; 0 if there is none, or another one is leaving still.
pid_t admin_process(pid_t master);

}  // namespace tcp_echo::test
