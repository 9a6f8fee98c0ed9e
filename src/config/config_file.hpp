// Reads what --config names: a file, or a pipe such as bash's <(...).
#pragma once

#include <chrono>
#include <string>

#include "tcp_echo/base/error.hpp"

namespace tcp_echo {

/// All of it, at most 1 MiB. A program that holds a pipe open and has yet to write is waited for, for
/// `patience` each time; one that has yet to open a FIFO, a second at most. kConfig on failure.
Result<std::string> read_config_file(const std::string& path, std::chrono::milliseconds patience);

}  // namespace tcp_echo
