#include "tcp_echo/control/request.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "tcp_echo/base/text.hpp"

namespace tcp_echo {
namespace {

using Json = nlohmann::json;                  // which finds a member fast among thousands
constexpr std::uint64_t kMostWorkers = 1024;  // kMaxWorkers of the options; a test compares them

constexpr std::array kRows = {
    ControlRow{.command = ControlCommand::kStatus, .word = "status"},
    ControlRow{
        .command = ControlCommand::kEvents, .word = "events", .number_argument = {"after"}, .may_wait = true},
    ControlRow{.command = ControlCommand::kConnections,
               .word = "connections",
               .number_argument = {"place"},
               .word_argument = {"peer"}},
    ControlRow{.command = ControlCommand::kReload, .word = "reload", .is_job = true},
    ControlRow{.command = ControlCommand::kUpgrade, .word = "upgrade", .is_job = true},
    ControlRow{.command = ControlCommand::kScale,
               .word = "scale",
               .number_argument = {"workers", true, 1, kMostWorkers},
               .is_job = true},
    ControlRow{.command = ControlCommand::kRestart,
               .word = "restart",
               .number_argument = {"worker", true, 1, kMostWorkers},
               .is_job = true},
    ControlRow{.command = ControlCommand::kLogLevel, .word = "log-level", .word_argument = {"level"}},
    ControlRow{.command = ControlCommand::kStop, .word = "stop", .is_job = true},
    ControlRow{.command = ControlCommand::kVersion, .word = "version"},
};

constexpr const char* kCommand = "command";
constexpr const char* kWait = "wait";

tl::unexpected<Error> refuse(std::string text) { return failure(ExitCode::kUsage, std::move(text)); }

Result<const ControlRow*> find_row(const Json& json) {
  const auto command = json.find(kCommand);
  if (command == json.end() || !command->is_string())
    return refuse(R"(a request names its command, as in {"command":"status"})");
  const auto& word = command->get_ref<const std::string&>();
  const auto* const row =
      std::find_if(kRows.begin(), kRows.end(), [&](const ControlRow& each) { return each.word == word; });
  if (row != kRows.end()) return row;
  std::string words;
  for (const auto& each : kRows) words += (words.empty() ? "" : ", ") + std::string(each.word);
  return refuse(fmt::format("no command is {}; there are {}", in_quotes(word), words));
}

/// "; it takes 'place', 'peer'", or nothing.
std::string what_it_takes(const ControlRow& row) {
  std::string names;
  for (const auto name : {row.number_argument.name, row.word_argument.name})
    if (!name.empty()) names += fmt::format("{} '{}'", names.empty() ? "; it takes" : ",", name);
  return names;
}

Result<void> check_members(const Json& json, const ControlRow& row) {
  for (const auto& [name, value] : json.items()) {
    if (name == kCommand || (row.may_wait && name == kWait)) continue;
    const bool is_known =
        !name.empty() && (name == row.number_argument.name || name == row.word_argument.name);
    if (!is_known)
      return refuse(fmt::format("{} takes no {}{}", row.word, in_quotes(name), what_it_takes(row)));
  }
  return {};
}

Result<void> read_number(const Json& json, const ControlRow& row, ControlRequest& request) {
  const auto& argument = row.number_argument;
  const auto value = json.find(argument.name);
  if (argument.name.empty() || (value == json.end() && !argument.is_needed)) return {};
  if (value == json.end()) return refuse(fmt::format("{} needs '{}'", row.word, argument.name));
  if (!value->is_number_unsigned() || value->get<std::uint64_t>() < argument.min ||
      value->get<std::uint64_t>() > argument.max) {
    return refuse(fmt::format("'{}' of {} is a number from {} to {}", argument.name, row.word, argument.min,
                              argument.max));
  }
  request.number = value->get<std::uint64_t>();
  return {};
}

Result<void> read_word(const Json& json, const ControlRow& row, ControlRequest& request) {
  const auto& argument = row.word_argument;
  const auto value = json.find(argument.name);
  if (argument.name.empty() || value == json.end()) return {};
  if (value->is_string()) request.word = value->get<std::string>();
  if (request.word.empty()) return refuse(fmt::format("'{}' of {} is a text", argument.name, row.word));
  return {};
}

Result<void> read_wait(const Json& json, ControlRequest& request) {
  const auto wait = json.find(kWait);
  if (wait == json.end()) return {};
  if (!wait->is_boolean()) return refuse(fmt::format("'{}' is true or false", kWait));
  request.waits = wait->get<bool>();
  return {};
}

}  // namespace

std::span<const ControlRow> control_rows() { return kRows; }

const ControlRow& row_of(ControlCommand command) { return kRows.at(static_cast<std::size_t>(command)); }

std::string to_line(const ControlRequest& request) {
  const auto& row = row_of(request.command);
  nlohmann::ordered_json json = {{kCommand, row.word}};
  if (const std::string name(row.number_argument.name); !name.empty()) json[name] = request.number;
  if (const std::string name(row.word_argument.name); !request.word.empty()) json[name] = request.word;
  if (request.waits) json[kWait] = true;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<ControlRequest> parse_request(std::string_view line) {
  const auto json = Json::parse(line, nullptr, false);
  if (!json.is_object())
    return refuse(fmt::format("a request is one JSON object on a line, and not {}", in_quotes(line)));
  const auto row = find_row(json);
  if (!row) return tl::unexpected(row.error());
  if (auto checked = check_members(json, **row); !checked) return tl::unexpected(checked.error());
  ControlRequest request{.command = (*row)->command};
  if (auto read = read_number(json, **row, request); !read) return tl::unexpected(read.error());
  if (auto read = read_word(json, **row, request); !read) return tl::unexpected(read.error());
  if (auto read = read_wait(json, request); !read) return tl::unexpected(read.error());
  return request;
}

}  // namespace tcp_echo
