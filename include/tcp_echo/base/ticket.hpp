// The number of somebody who has asked for something that takes a while, and waits for its end. Who waits may
// have gone by then, so it is a number, and no pointer.
#pragma once

#include <cstdint>

namespace tcp_echo {

/// Counted from 1, and not given again while the service lives: a program that takes over goes on with it.
using Ticket = std::uint32_t;

}  // namespace tcp_echo
