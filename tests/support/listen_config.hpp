// A configuration for listeners.
#pragma once

#include <initializer_list>
#include <string>

#include "support/sockets.hpp"
#include "tcp_echo/config/config.hpp"

namespace tcp_echo::test {

inline Config config_for(std::initializer_list<std::string> addresses) {
  Config config;
  config.listen_is_default = false;
  config.backlog = 16;
  for (const auto& address : addresses) config.listen.push_back(endpoint(address));
  return config;
}

}  // namespace tcp_echo::test
