#include "command.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "tcp_echo/base/arguments.hpp"
#include "tcp_echo/base/network.hpp"
#include "tcp_echo/base/text.hpp"

namespace tcp_echo {
namespace {

constexpr std::string_view kJson = "--json";
constexpr std::string_view kWatch = "--watch";
constexpr std::string_view kFollow = "--follow";
constexpr std::string_view kPeer = "--peer";
constexpr std::string_view kSort = "--sort";
constexpr std::string_view kLimit = "--limit";

constexpr std::array kStatusFlags = {kJson, kWatch};
constexpr std::array kEventsFlags = {kJson, kFollow};
constexpr std::array kConnectionsFlags = {kJson, kPeer, kSort, kLimit};

constexpr std::array kRows = {
    CtlRow{"status", "", "how the service, its listeners and its workers are", ControlCommand::kStatus,
           kStatusFlags},
    CtlRow{"events", "", "what has happened: the last 64 crashes, reloads and so on", ControlCommand::kEvents,
           kEventsFlags},
    CtlRow{"connections", "", "who is connected, since when, and what was received and sent",
           ControlCommand::kConnections, kConnectionsFlags},
    CtlRow{"reload", "", "read the configuration again and replace all workers", ControlCommand::kReload},
    CtlRow{"upgrade", "", "replace the program by the file that is at its path now",
           ControlCommand::kUpgrade},
    CtlRow{"scale", "N", "so many workers", ControlCommand::kScale},
    CtlRow{"worker restart", "I", "a successor for worker I, counted from 1", ControlCommand::kRestart},
    CtlRow{"log-level", "[LEVEL]",
           "log at that level: trace, debug, info, warn or error; without: tell the present one",
           ControlCommand::kLogLevel},
    CtlRow{"stop", "", "stop gracefully", ControlCommand::kStop},
    CtlRow{"version", "", "the version of the program that runs", ControlCommand::kVersion},
};

constexpr std::array kOrders = {std::pair("age", ConnectionOrder::kAge),
                                std::pair("bytes", ConnectionOrder::kBytes),
                                std::pair("idle", ConnectionOrder::kIdle)};
constexpr std::string_view kOrderWords = "age, bytes, idle";

enum Flag : std::size_t {
  kSocketFlag,
  kJsonFlag,
  kWatchFlag,
  kFollowFlag,
  kPeerFlag,
  kSortFlag,
  kLimitFlag,
  kVersionFlag,
  kHelpFlag,
};

const std::array kFlags = {
    FlagShape{"--socket", FlagValue::kNeeded},
    FlagShape{std::string(kJson)},
    FlagShape{std::string(kWatch)},
    FlagShape{std::string(kFollow)},
    FlagShape{std::string(kPeer), FlagValue::kNeeded},
    FlagShape{std::string(kSort), FlagValue::kNeeded},
    FlagShape{std::string(kLimit), FlagValue::kNeeded},
    FlagShape{"--version", FlagValue::kNone, "-V"},
    FlagShape{"--help", FlagValue::kNone, "-h"},
};

constexpr std::array kFlagHelp = {
    HelpEntry{"--socket PATH",
              "the control socket; without, that of the only daemon of this user on this machine"},
    HelpEntry{kJson, "status, events, connections: as JSON, on one line each"},
    HelpEntry{kWatch, "status: again every second"},
    HelpEntry{kFollow, "events: and those that are still to come"},
    HelpEntry{"--peer CIDR",
              "connections: only those of clients from there: 192.0.2.1, 10.0.0.0/8, 2001:db8::/32"},
    HelpEntry{"--sort age|bytes|idle",
              "connections: the oldest first, or those with the most bytes, or those "
              "that have been quiet for longest"},
    HelpEntry{"--limit N", "connections: at most so many, the first ones"},
    HelpEntry{"-V, --version", "print the version of tcp-echo-ctl and exit"},
    HelpEntry{"-h, --help", "print this help and exit"},
};

constexpr std::array kExitCodes = {
    HelpEntry{"0", "it is done"},
    HelpEntry{"1",
              "it could not be done, and nothing has changed, or a list is not complete; the line says why"},
    HelpEntry{"64", "bad command line, or several daemons and none named"},
    HelpEntry{"69", "no master answers"},
    HelpEntry{"70", "internal fault, or an answer that makes no sense"},
    HelpEntry{"71", "an operating-system call failed, such as a write to standard output"},
    HelpEntry{"77", "no permission"},
};

tl::unexpected<Error> usage(std::string text) { return failure(ExitCode::kUsage, std::move(text)); }

std::string complaint(const ArgumentMistake& mistake) {
  switch (mistake.kind) {
    case ArgumentMistake::Kind::kMissingValue: return fmt::format("{}: the value is missing", mistake.word);
    case ArgumentMistake::Kind::kUnwantedValue:
      return fmt::format("{}: takes no value", kFlags.at(mistake.shape).name);
    case ArgumentMistake::Kind::kUnknown: break;
  }
  return fmt::format("no option is {}; allowed: those of --help", in_quotes(mistake.word));
}

/// The row whose words these begin with.
const CtlRow* row_for(std::span<const std::string> words) {
  const auto* const row = std::find_if(kRows.begin(), kRows.end(), [&](const CtlRow& each) {
    const auto expected = split(each.words, ' ');
    return words.size() >= expected.size() && std::equal(expected.begin(), expected.end(), words.begin());
  });
  return row == kRows.end() ? nullptr : row;
}

std::string all_commands() {
  std::vector<std::string_view> words;
  words.reserve(kRows.size());
  for (const auto& row : kRows) words.push_back(row.words);
  return fmt::format("{}", fmt::join(words, ", "));
}

Result<void> read_argument(const CtlRow& row, const std::string& text, ControlRequest& request) {
  const auto& argument = row_of(row.command).number_argument;
  if (argument.name.empty()) {
    request.word = text;
    return text.empty() ? usage(fmt::format("{}: '' is not possible", row.words)) : Result<void>{};
  }
  const auto number = parse_number(text);
  if (!number || *number < argument.min || *number > argument.max) {
    return usage(fmt::format("{}: {} is not possible; allowed: {} to {}", row.words, in_quotes(text),
                             argument.min, argument.max));
  }
  request.number = *number;
  return {};
}

Result<void> read_words(const std::vector<std::string>& words, CtlCommand& command, const CtlRow*& row) {
  if (words.empty()) return usage("a command is missing; allowed: " + all_commands());
  row = row_for(words);
  if (row == nullptr)
    return usage(fmt::format("no command is {}; allowed: {}", in_quotes(words.front()), all_commands()));
  command.request.command = row->command;
  const auto arguments = std::span(words).subspan(split(row->words, ' ').size());
  const std::size_t most = row->argument.empty() ? 0 : 1;
  if (arguments.size() > most)
    return usage(fmt::format("{}: {} is a word too many", row->words, in_quotes(arguments[most])));
  if (!arguments.empty()) return read_argument(*row, arguments.front(), command.request);
  if (most == 1 && row_of(row->command).number_argument.is_needed)
    return usage(fmt::format("{}: {} is missing", row->words, row->argument));
  return {};
}

Result<void> take_socket(const std::string& value, CtlCommand& command) {
  if (value.empty()) return usage("--socket: '' is no path");
  command.socket = value;
  return {};
}

Result<void> take_peer(const std::string& value, CtlCommand& command) {
  if (!Network::parse(value)) return usage(fmt::format("{}: {}", kPeer, Network::why_not(value)));
  command.request.word = value;
  return {};
}

Result<void> take_sort(const std::string& value, CtlCommand& command) {
  const auto* const found = std::find_if(kOrders.begin(), kOrders.end(),
                                         [&value](const auto& order) { return value == order.first; });
  if (found == kOrders.end())
    return usage(fmt::format("{}: {} is not possible; allowed: {}", kSort, in_quotes(value), kOrderWords));
  command.order = found->second;
  return {};
}

Result<void> take_limit(const std::string& value, CtlCommand& command) {
  command.limit = parse_number(value);
  if (command.limit && *command.limit > 0) return {};
  return usage(fmt::format("{}: {} is not possible; allowed: a number from 1 on", kLimit, in_quotes(value)));
}

Result<void> take_flag(std::size_t flag, const std::string& value, CtlCommand& command, const CtlRow& row) {
  const auto& name = kFlags.at(flag).name;
  if (flag != kSocketFlag && std::find(row.flags.begin(), row.flags.end(), name) == row.flags.end())
    return usage(fmt::format("{} takes no {}", row.words, name));
  switch (static_cast<Flag>(flag)) {
    case kSocketFlag: return take_socket(value, command);
    case kPeerFlag: return take_peer(value, command);
    case kSortFlag: return take_sort(value, command);
    case kLimitFlag: return take_limit(value, command);
    case kJsonFlag: command.as_json = true; break;
    case kWatchFlag:
    case kFollowFlag: command.again_and_again = true; break;
    case kVersionFlag:
    case kHelpFlag: break;  // they come before any command
  }
  return {};
}

}  // namespace

std::span<const CtlRow> ctl_rows() { return kRows; }

Result<CtlCommand> read_ctl_command(const std::vector<std::string>& arguments) {
  const auto found = take_apart(arguments, kFlags, FlagNames::kWhole);
  if (!found) return tl::unexpected(found.error());
  for (const auto& flag : found->flags) {
    if (flag.shape == kHelpFlag) return CtlCommand{.action = CtlAction::kHelp};
    if (flag.shape == kVersionFlag) return CtlCommand{.action = CtlAction::kVersion};
  }
  if (found->mistake) return usage(complaint(*found->mistake));
  CtlCommand command;
  const CtlRow* row = nullptr;
  if (auto read = read_words(found->others, command, row); !read) return tl::unexpected(read.error());
  for (const auto& [flag, value] : found->flags)
    if (auto taken = take_flag(flag, value, command, *row); !taken) return tl::unexpected(taken.error());
  return command;
}

std::span<const HelpEntry> ctl_exit_codes() { return kExitCodes; }

std::string ctl_help(std::size_t columns) {
  constexpr std::size_t kColumn = 24;
  HelpText help(columns);
  help.paragraph("Usage: tcp-echo-ctl [--socket PATH] COMMAND [OPTION]...");
  help.paragraph("Asks a running tcp-echo-master, and waits until what it is asked for is done.");
  help.blank_line();
  help.paragraph("Commands:");
  for (const auto& row : kRows) {
    const auto name = fmt::format("{}{}{}", row.words, row.argument.empty() ? "" : " ", row.argument);
    help.entry(name, row.help, kColumn);
  }
  help.blank_line();
  help.paragraph("Options:");
  for (const auto& entry : kFlagHelp) help.entry(entry.name, entry.text, kColumn);
  help.blank_line();
  help.list("Exit codes:", kExitCodes);
  return help.text();
}

}  // namespace tcp_echo
