// The program file that this process was started from, held by a descriptor: workers start from the same file
// even after another one has taken its name.
#pragma once

#include <string>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo {

/// For uv_spawn: pass it to the child as descriptor N and start /proc/self/fd/N there (proc(5)).
Result<UniqueFd> open_own_executable();

/// "/proc/self/fd/7".
std::string descriptor_path(int fd);

}  // namespace tcp_echo
