// What a master answers over its control socket: a line of JSON, such as {"ok":true,"message":"scaled to 4
// workers"}. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "tcp_echo/base/error.hpp"

namespace tcp_echo {

struct ControlReply {
  bool is_ok = true;
  std::string message = {};  ///< what was done, or why it was not: one line, or empty
  std::string data = {};     ///< what was asked for, as JSON, or empty
  /// Why a client is not heard at all.
  enum class Refusal : std::uint8_t {
    kNone,
    kBusy,       ///< too many are connected: the same may be asked again in a moment
    kForbidden,  ///< to this user
  } refusal = Refusal::kNone;
  bool operator==(const ControlReply&) const = default;

  static ControlReply done(std::string message) { return {.message = std::move(message)}; }
  static ControlReply failed(std::string message) { return {.is_ok = false, .message = std::move(message)}; }
  static ControlReply of_data(std::string data) { return {.data = std::move(data)}; }
};

/// Without a newline.
std::string to_line(const ControlReply& reply);

/// Fails with kSoftware: that is no answer of a master.
Result<ControlReply> parse_reply(std::string_view line);

}  // namespace tcp_echo
