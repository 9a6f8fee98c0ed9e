// Signals by name, signal(7).
#pragma once

#include <string>

namespace tcp_echo {

/// "SIGTERM"; "signal 77" where it has no name.
std::string signal_name(int number);

}  // namespace tcp_echo
