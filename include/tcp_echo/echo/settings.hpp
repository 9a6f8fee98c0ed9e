// How a worker treats its connections; what each value means is in the option table.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace tcp_echo {

struct EchoSettings {
  std::chrono::milliseconds idle_timeout{};    ///< 0: never
  std::chrono::milliseconds linger_timeout{};  ///< 0: leave it to the kernel
  std::string idle_notice;
  bool send_reset = false;
  bool nodelay = true;
  std::chrono::seconds keepalive{};  ///< 0: off
  std::size_t most_connections = 0;  ///< 0: no limit
  int descriptor_limit = 0;  ///< accepting pauses when a descriptor of this number or above is handed out
};

/// How long a connection must have been quiet to be closed when the worker drains.
inline constexpr std::chrono::milliseconds kDrainQuiet{500};

}  // namespace tcp_echo
