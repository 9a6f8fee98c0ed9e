// What may be asked of a master over its control socket: one row for each command, and the line of JSON that
// asks for it, such as {"command":"scale","workers":4}. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "tcp_echo/base/error.hpp"

namespace tcp_echo {

enum class ControlCommand : std::uint8_t {
  kStatus,
  kEvents,
  kConnections,
  kReload,
  kUpgrade,
  kScale,
  kRestart,
  kLogLevel,
  kStop,
  kVersion,
};

/// A member of the line beside "command": a number. Without a name there is none.
struct NumberArgument {
  std::string_view name = {};
  bool is_needed = false;
  std::uint64_t min = 0;
  std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
};

/// The same, a text, which may always be left out.
struct WordArgument {
  std::string_view name = {};
};

struct ControlRow {
  ControlCommand command;
  std::string_view word;
  NumberArgument number_argument = {};
  WordArgument word_argument = {};
  /// It changes the service, and its answer comes when that is done: after seconds, perhaps.
  bool is_job = false;
  /// "wait" may be among its members.
  bool may_wait = false;
};

std::span<const ControlRow> control_rows();
const ControlRow& row_of(ControlCommand command);

/// Bytes of a request, without the newline.
inline constexpr std::size_t kLongestRequest = 64UL * 1024;

struct ControlRequest {
  ControlCommand command = ControlCommand::kStatus;
  /// Workers wanted; the slot to restart, from 1; the number of the last event that is known already; where
  /// the next page of connections begins.
  std::uint64_t number = 0;
  /// The log level that is wanted, empty: tell the present one; the network that peers are of, empty: any.
  std::string word = {};
  bool waits = false;  ///< for an event, if there is no new one
  bool operator==(const ControlRequest&) const = default;
};

/// Without a newline.
std::string to_line(const ControlRequest& request);

/// Fails with kUsage, and says what is wrong and what is allowed.
Result<ControlRequest> parse_request(std::string_view line);

}  // namespace tcp_echo
