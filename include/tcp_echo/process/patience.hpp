// How long a master waits for its children.
#pragma once

#include <chrono>

namespace tcp_echo {

/// Children end by themselves, within the time that they were given; this is for one that hangs.
inline constexpr std::chrono::milliseconds kGraceAfterDeadline{500};

/// Of a child that was told to stop at once: it closes its connections in milliseconds, or it hangs.
inline constexpr std::chrono::milliseconds kPatience{500};

/// Of one that writes its core after SIGABRT.
inline constexpr std::chrono::milliseconds kPatienceAfterAbort{1000};

}  // namespace tcp_echo
