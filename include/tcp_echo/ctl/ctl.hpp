// tcp-echo-ctl: asks a master, and shows the answer.
#pragma once

#include <string>
#include <vector>

#include "tcp_echo/base/exit_code.hpp"

namespace tcp_echo {

/// `arguments` without the program's name. What was asked for is on standard output, and what went wrong on
/// standard error, in one line. Throws FatalError, for which the same is to be done.
ExitCode run_ctl(const std::vector<std::string>& arguments);

}  // namespace tcp_echo
