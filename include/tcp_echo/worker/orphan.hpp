// No worker outlives its master for long, whatever state it is in.
//
// A worker that turns sees the end of its control channel and drains. One that was stopped (SIGSTOP) or hangs
// sees nothing; for it the kernel sends SIGCONT when the master dies (PR_SET_PDEATHSIG, prctl(2)). That wakes
// a stopped worker, and the handler sets an alarm, which ends one that does not turn.
#pragma once

#include <chrono>

namespace tcp_echo {

/// Call once the process runs as the user it is to run as: a change of user clears PR_SET_PDEATHSIG.
void watch_over_master() noexcept;

/// Whether the master that started this process is dead.
bool is_orphan() noexcept;

/// The longest time that an orphan may live on, rounded up to whole seconds; a few until this is called.
void limit_orphan_life(std::chrono::milliseconds most) noexcept;

}  // namespace tcp_echo
