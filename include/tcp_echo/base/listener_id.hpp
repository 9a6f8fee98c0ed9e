// The number of a listen address, as long as the service lives: the same for the listeners of all slots, and
// never given to another address. A connection knows by it where it was accepted, whichever worker serves it.
#pragma once

#include <cstdint>

namespace tcp_echo {

/// Counted from 1; 0: a program that knew no numbers has not told.
using ListenerId = std::uint32_t;

}  // namespace tcp_echo
