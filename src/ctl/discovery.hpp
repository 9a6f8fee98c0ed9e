// Which master is meant when none is named.
#pragma once

#include <string>

#include "tcp_echo/base/error.hpp"

namespace tcp_echo {

/// The control socket of the only master of this user that runs here. Fails with kUsage if there are several,
/// and lists them; with kUnavailable or kNoPermission if there is none that would answer.
Result<std::string> find_control_socket();

}  // namespace tcp_echo
