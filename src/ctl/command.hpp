// The command line of tcp-echo-ctl: one row for each command. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/help.hpp"
#include "tcp_echo/control/request.hpp"

namespace tcp_echo {

enum class CtlAction : std::uint8_t { kAsk, kVersion, kHelp };

/// What connections are listed by, the largest first.
enum class ConnectionOrder : std::uint8_t {
  kNone,  ///< as the workers tell them
  kAge,
  kBytes,  ///< received and sent
  kIdle,
};

struct CtlCommand {
  CtlAction action = CtlAction::kAsk;
  ControlRequest request = {};
  std::string socket = {};  ///< empty: that of the only daemon there is
  bool as_json = false;
  bool again_and_again = false;  ///< --watch, --follow
  ConnectionOrder order = ConnectionOrder::kNone;
  std::optional<std::uint64_t> limit = {};  ///< connections listed at most
};

struct CtlRow {
  std::string_view words;     ///< "worker restart"
  std::string_view argument;  ///< what --help shows behind them; empty: none
  std::string_view help;
  ControlCommand command;
  std::span<const std::string_view> flags = {};  ///< that go with it
};

std::span<const CtlRow> ctl_rows();

/// `arguments` without the program's name. Fails with kUsage: what is wrong, and what is allowed.
Result<CtlCommand> read_ctl_command(const std::vector<std::string>& arguments);

std::span<const HelpEntry> ctl_exit_codes();
std::string ctl_help(std::size_t columns);

}  // namespace tcp_echo
