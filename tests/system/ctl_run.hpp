// Runs of tcp-echo-ctl, for a daemon of the test.
#pragma once

#include <string>
#include <vector>

#include "system/daemon.hpp"

namespace tcp_echo::test {

/// Of that daemon's control socket.
inline Launch ctl_launch(const Daemon& daemon, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"--socket", daemon.control_socket()});
  return {.arguments = std::move(arguments), .program = built_program("tcp-echo-ctl")};
}

inline Outcome run_ctl(const Daemon& daemon, std::vector<std::string> arguments) {
  return Daemon(ctl_launch(daemon, std::move(arguments))).wait();
}

}  // namespace tcp_echo::test
