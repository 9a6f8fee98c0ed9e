#include "events_view.hpp"

#include <spdlog/fmt/fmt.h>

#include <nlohmann/json.hpp>

#include "tcp_echo/base/text.hpp"
#include "time_text.hpp"

namespace tcp_echo {
namespace {

using Json = nlohmann::ordered_json;

Tone tone_of(std::string_view event) {
  if (event.ends_with("_failed") || event == "crashed" || event == "hung") return Tone::kBad;
  if (event == "limit_reached" || event == "stopping") return Tone::kWarning;
  return Tone::kPlain;
}

std::string line_of(const Json& event, Style style) {
  const auto kind = event.at("event").get<std::string>();
  return style.in(tone_of(kind), fmt::format("{}  {:<14}  {}", clock_text(event.at("time").get<double>()),
                                             kind, printable(event.at("text").get<std::string>())));
}

}  // namespace

Result<EventsView> events_view(std::string_view json, bool as_json, Style style) {
  try {
    const auto answer = Json::parse(json);
    EventsView view{.text = {}, .last = answer.at("last").get<std::uint64_t>()};
    for (const auto& event : answer.at("events"))
      view.text += (as_json ? event.dump() : line_of(event, style)) + '\n';
    return view;
  } catch (const Json::exception& error) {
    return failure(ExitCode::kSoftware, fmt::format("the events make no sense: {}", error.what()));
  }
}

}  // namespace tcp_echo
