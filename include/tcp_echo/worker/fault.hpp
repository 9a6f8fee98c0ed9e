// Faults that a worker of a test build suffers on demand, at moments that no signal from outside can hit. A
// build without tests has none of this.
//
// ECHO_TEST_FAULTS names a file that every worker reads as it starts: lines "SLOT WORD".
#pragma once

namespace tcp_echo {

#ifdef TCP_ECHO_FAULTS
/// "abort": dies from SIGABRT; "exit": exits with code 3; "mute": never goes on.
void suffer_before_ready(unsigned slot);
/// "spin": loops for ever.
void suffer_when_ready(unsigned slot);
#else
inline void suffer_before_ready(unsigned /*slot*/) {}
inline void suffer_when_ready(unsigned /*slot*/) {}
#endif

}  // namespace tcp_echo
