// What may be asked of a master over its control socket: one row for each command, and the line of JSON that
// asks for it, such as {"command":"scale","workers":4}. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
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

/// A member of the line beside "command".
struct ControlArgument {
  std::string_view name;  ///< empty: there is none
  enum class Kind : std::uint8_t { kNumber, kWord } kind = Kind::kNumber;
  bool is_needed = true;
  std::uint64_t min = 0;  ///< of a number
  std::uint64_t max = 0;
};

struct ControlRow {
  ControlCommand command;
  std::string_view word;
  /// At most one number and one word.
  std::array<ControlArgument, 2> arguments = {};
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
