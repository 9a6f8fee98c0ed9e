// Whether a listener on an address is ours or a stranger's, where the kernel only says that there is one.
#pragma once

#include <sys/types.h>

#include <vector>

#include "tcp_echo/base/endpoint.hpp"

namespace tcp_echo {

/// Whether a socket listens on the port that is none of `ours`, by inode (fstat(2)), on an address that has
/// clients in common with this one. Read from /proc/net/tcp and tcp6 (proc(5)), and not by sock_diag(7): its
/// kernel module may be missing, and a container cannot load it.
bool strangers_listen(const Endpoint& endpoint, const std::vector<ino_t>& ours);

}  // namespace tcp_echo
