// Whether a service may open as many files as it needs. What cannot be had for want of a descriptor would
// otherwise fail somewhere in the middle, and not always with an error: libuv aborts.
#pragma once

#include <cstddef>

#include "tcp_echo/base/error.hpp"

namespace tcp_echo {

/// For a master: it has a channel to each worker, and the listening sockets of all. Fails with kOsError.
Result<void> check_open_files_limit(unsigned workers, std::size_t listening_sockets);

/// So many connections may be asked for of a worker, and not be possible: then the log says so.
void warn_of_few_descriptors(unsigned worker_connections);

}  // namespace tcp_echo
