// What an operator may ask of a running master: one row per command. Its signals, --help and README come from
// the rows.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace tcp_echo {

enum class Command : std::uint8_t { kStop, kReload, kReopenLog, kUpgrade, kScale };

struct CommandRow {
  Command command;
  std::string_view word;
  std::span<const int> signals;  ///< that ask for it, signal(7)
  std::string_view effect;       ///< of those signals, for users
};

std::span<const CommandRow> commands();

}  // namespace tcp_echo
