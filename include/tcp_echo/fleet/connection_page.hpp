// The connections of all workers, in portions of which each is one worker's.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tcp_echo/base/network.hpp"
#include "tcp_echo/ipc/message.hpp"

namespace tcp_echo {

struct ConnectionQuery {
  std::uint64_t place = 0;            ///< where to begin: 0, or what the page before says
  std::optional<Network> peers = {};  ///< only connections from there
};

struct ConnectionPage {
  unsigned worker = 0;  ///< whose these are, counted from 1; 0: there are none
  pid_t pid = 0;
  std::vector<ListedConnection> connections = {};
  std::uint64_t next = 0;      ///< the place to go on at; 0: these were the last
  std::string complaint = {};  ///< why the worker's connections are missing, if they are
};

/// Called once, at once or after some seconds; never if the fleet, or the program, ends before that.
using OnConnectionPage = std::function<void(const ConnectionPage&)>;

}  // namespace tcp_echo
