// What master and workers say to each other over the control channel.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

namespace tcp_echo {

/// Master to worker, first of all and once: who you are and what to do. Carries one descriptor, the
/// scoreboard's.
struct ConfigureMessage {
  std::uint32_t block = 0;    ///< which of the scoreboard's blocks is yours to write
  std::string configuration;  ///< effective_toml()
  bool operator==(const ConfigureMessage&) const = default;
};

/// Worker to master: I serve.
struct ReadyMessage {
  bool operator==(const ReadyMessage&) const = default;
};

/// Master to worker: accept no more, finish what is under way, leave; within --shutdown-timeout.
struct DrainMessage {
  bool operator==(const DrainMessage&) const = default;
};

/// Master to worker: close everything and leave, now.
struct StopMessage {
  bool operator==(const StopMessage&) const = default;
};

using Message = std::variant<ConfigureMessage, ReadyMessage, DrainMessage, StopMessage>;

}  // namespace tcp_echo
