// Faults that a worker of a test build suffers on demand, at moments that no signal from outside can hit. A
// build without tests has none of this.
//
// ECHO_TEST_FAULTS names a file that every worker reads as it starts: lines "SLOT WORD".
#pragma once

namespace tcp_echo {

#ifdef TCP_ECHO_FAULTS
/// "abort": dies from SIGABRT; "exit": exits with code 3; "mute": never goes on; "slow": takes half a second.
void suffer_before_ready(unsigned slot);
/// "spin": loops for ever.
void suffer_when_ready(unsigned slot);
/// Dies from SIGKILL if that is the word: "giving", in the middle of a hand-over; "taking", before it answers
/// a predecessor; "taken", after.
void suffer_when(const char* moment);
/// A master that takes over, and may go back, suffers as slot 0: with "refuse" it throws FatalError.
void suffer_in_take_over();
#else
inline void suffer_before_ready(unsigned /*slot*/) {}
inline void suffer_when_ready(unsigned /*slot*/) {}
inline void suffer_when(const char* /*moment*/) {}
inline void suffer_in_take_over() {}
#endif

}  // namespace tcp_echo
