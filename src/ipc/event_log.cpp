#include "tcp_echo/ipc/event_log.hpp"

#include <spdlog/spdlog.h>

#include <chrono>

namespace tcp_echo {

void EventLog::note(EventKind kind, const std::string& text) noexcept {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  events_.push({std::chrono::duration_cast<std::chrono::milliseconds>(now).count(), kind, text});
}

void EventLog::tell(spdlog::level::level_enum level, EventKind kind, const std::string& text) {
  spdlog::log(level, "{}", text);
  note(kind, text);
}

}  // namespace tcp_echo
