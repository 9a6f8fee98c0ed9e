// The limit on open files, RLIMIT_NOFILE of getrlimit(2).
#pragma once

#include <cstddef>

namespace tcp_echo {

/// Raises the soft limit to the hard one; children inherit it. Where that fails the old limit simply stays.
void raise_open_files_limit() noexcept;

/// The soft limit: descriptors are numbered below it.
int open_files_limit() noexcept;

/// How many descriptors this process holds, by /proc/self/fd (proc(5)); 0 if that cannot be read.
std::size_t open_descriptors();

}  // namespace tcp_echo
