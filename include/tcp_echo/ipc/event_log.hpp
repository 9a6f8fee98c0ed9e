// What has happened to the service, for those who ask later: the last events, in the scoreboard, so that they
// outlive an upgrade.
#pragma once

#include <spdlog/common.h>

#include <string>

#include "tcp_echo/ipc/scoreboard.hpp"

namespace tcp_echo {

class EventLog {
 public:
  /// The master's: it alone writes. `scoreboard` outlives it.
  explicit EventLog(Scoreboard& scoreboard) noexcept : events_(scoreboard.master().events) {}

  /// Puts the event into the scoreboard, cut to what has room there. For what the log tells in other words,
  /// or by another process.
  void note(EventKind kind, const std::string& text) noexcept;
  /// The same, and logs the line.
  void tell(spdlog::level::level_enum level, EventKind kind, const std::string& text);

 private:
  EventRing& events_;
};

}  // namespace tcp_echo
