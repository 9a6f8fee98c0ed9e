#include "tcp_echo/control/reply.hpp"

#include <nlohmann/json.hpp>

#include "tcp_echo/base/text.hpp"

namespace tcp_echo {
namespace {

using OrderedJson = nlohmann::ordered_json;
using enum ControlReply::Refusal;

constexpr const char* kBusyWord = "busy";
constexpr const char* kForbiddenWord = "forbidden";

}  // namespace

std::string to_line(const ControlReply& reply) {
  OrderedJson json = {{"ok", reply.is_ok}};
  if (!reply.message.empty()) json["message"] = reply.message;
  if (reply.refusal == kBusy) json["refusal"] = kBusyWord;
  if (reply.refusal == kForbidden) json["refusal"] = kForbiddenWord;
  auto line = json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
  if (reply.data.empty()) return line;
  // It is JSON already, and may be long.
  line.pop_back();
  return line + R"(,"data":)" + reply.data + "}";
}

Result<ControlReply> parse_reply(std::string_view line) {
  try {
    const auto json = OrderedJson::parse(line);
    ControlReply reply{.is_ok = json.at("ok").get<bool>(), .message = json.value("message", std::string())};
    const auto refusal = json.value("refusal", std::string());
    if (refusal == kBusyWord) reply.refusal = kBusy;
    if (refusal == kForbiddenWord) reply.refusal = kForbidden;
    if (json.contains("data")) reply.data = json.at("data").dump();
    return reply;
  } catch (const std::exception&) {
    return failure(ExitCode::kSoftware, "no answer of tcp-echo-master: " + in_quotes(line));
  }
}

}  // namespace tcp_echo
