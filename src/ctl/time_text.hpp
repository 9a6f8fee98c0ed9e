// Times for eyes. Pure.
#pragma once

#include <string>

namespace tcp_echo {

/// "12 s", "5 min", "3 h 12 min", "2 d 4 h".
std::string age_text(double seconds);

/// Seconds since the epoch as "2026-11-30 17:04:12" in the time zone of the user, tzset(3).
std::string clock_text(double seconds);

}  // namespace tcp_echo
