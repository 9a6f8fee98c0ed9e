// Which connections a process has: the sockets among its descriptors, and what the kernel says of those.
#pragma once

#include <sys/types.h>

#include <set>

#include "soak/chronicle.hpp"

namespace tcp_echo::test {

/// Quick, for the process stands still meanwhile: /proc/net/tcp takes a second where many have gone lately.
std::set<PortPair> connections_of(pid_t pid);

}  // namespace tcp_echo::test
