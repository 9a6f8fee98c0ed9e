// The program file that this process was started from, held by a descriptor: workers start from the same file
// even after another one has taken its name.
#pragma once

#include <string>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo {

/// The path of this process's program, by which a newer one is found later. `called_as`, argv[0] of the
/// start, decides if it leads to this program, by itself or along PATH: it may go through a link that is to
/// be changed.
Result<std::string> own_program(const std::string& called_as = {});

/// For uv_spawn: pass it to the child as descriptor N and start /proc/self/fd/N there (proc(5)).
Result<UniqueFd> open_program(const std::string& path);

/// Whether that file can be a program: what the kernel does not know execvp(3) hands to a shell, which would
/// take each line of it for a command. Of one that may be executed and not read nothing is known, and it
/// passes.
Result<void> check_is_program(int fd);

/// "/proc/self/fd/7".
std::string descriptor_path(int fd);

}  // namespace tcp_echo
