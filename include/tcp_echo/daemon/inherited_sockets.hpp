// Listening sockets that a service manager opened for us: LISTEN_FDS, sd_listen_fds(3).
#pragma once

#include <vector>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo {

/// Takes them over, close-on-exec, and clears the variables, so that no child takes them for its own. Nothing
/// if LISTEN_PID names another process. Call it in the process that was started: going to the background
/// changes the pid. Fails with kConfig if they are not TCP sockets that listen, or too many.
Result<std::vector<UniqueFd>> take_inherited_sockets();

}  // namespace tcp_echo
