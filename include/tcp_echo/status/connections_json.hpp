// Connections as text, for scripts: here stand the names that they rely on.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tcp_echo/base/endpoint.hpp"
#include "tcp_echo/base/listener_id.hpp"
#include "tcp_echo/ipc/message.hpp"

namespace tcp_echo {

/// An array of them, without a newline, all of that worker, which is counted from 1. Times are in seconds,
/// sizes in bytes. `listeners` are those that there are; one that has been removed is null.
std::string connections_json(unsigned worker, int pid, const std::vector<ListedConnection>& connections,
                             const std::map<ListenerId, Endpoint>& listeners);

}  // namespace tcp_echo
