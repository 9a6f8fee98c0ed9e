#include "tcp_echo/load/report.hpp"

#include <spdlog/fmt/fmt.h>

#include <nlohmann/json.hpp>

#include "figures.hpp"
#include "tcp_echo/base/text.hpp"

namespace tcp_echo {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kIndent = 2;
constexpr int kOneLine = -1;
constexpr double kMillisecondsPerSecond = 1e3;

double seconds_of(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

// A target or a message may hold any bytes; RFC 8259 wants UTF-8.
std::string dumped(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace) + '\n';
}

const char* name_of(LoadStage stage) {
  switch (stage) {
    case LoadStage::kWarmup: return "warm-up";
    case LoadStage::kMeasuring: return "measuring";
    case LoadStage::kWaiting: break;
  }
  return "waiting";
}

Json connections_json(const LoadCounts& counts) {
  return {{"made", counts.connected},
          {"refused", counts.refused},
          {"reset", counts.reset},
          {"closed_early", counts.closed_early},
          {"unreachable", counts.unreachable},
          {"stuck", counts.stuck},
          {"without_fin", counts.without_fin}};
}

Json bytes_json(const LoadCounts& counts) {
  return {{"sent", counts.sent_bytes},
          {"received", counts.received_bytes},
          {"wrong", counts.faults.wrong},
          {"missing", counts.faults.missing},
          {"extra", counts.faults.extra}};
}

Json rates_json(const LoadCounts& counts, double seconds) {
  return {{"echoes_per_second", per_second(static_cast<double>(counts.echoes), seconds)},
          {"sent_bytes_per_second", per_second(static_cast<double>(counts.sent_bytes), seconds)},
          {"received_bytes_per_second", per_second(static_cast<double>(counts.received_bytes), seconds)}};
}

Json latency_json(const Histogram& latency) {
  return {{"min", seconds_of(latency.min())},
          {"mean",
           std::chrono::duration<double>(std::chrono::duration<double, std::nano>(latency.mean())).count()},
          {"p50", seconds_of(latency.percentile(50))},
          {"p90", seconds_of(latency.percentile(90))},
          {"p99", seconds_of(latency.percentile(99))},
          {"p99.9", seconds_of(latency.percentile(99.9))},
          {"max", seconds_of(latency.max())}};
}

Json options_json(const LoadSummary& summary) {
  auto options = Json::object();
  for (const auto& [flag, value] : summary.options) {
    const bool again = options.contains(flag);
    options[flag] = again ? options[flag].get<std::string>() + ", " + value : value;
  }
  return options;
}

Json timeline_json(const LoadSummary& summary) {
  auto timeline = Json::array();
  for (const auto& point : summary.timeline) {
    timeline.push_back(Json{{"begin", point.begin},
                            {"end", point.end},
                            {"echoes", point.echoes},
                            {"p50_seconds", point.p50 / kMillisecondsPerSecond},
                            {"p99_seconds", point.p99 / kMillisecondsPerSecond},
                            {"max_seconds", point.max / kMillisecondsPerSecond}});
  }
  return timeline;
}

}  // namespace

std::string text_report(const LoadSummary& summary) {
  std::string out;
  for (const auto& figure : figures(summary)) out += fmt::format("{:<16} {}\n", figure.name, figure.value);
  for (const auto& limit : summary.own_limits)
    out += fmt::format("{:<16} {}\n", "own limit", printable(limit));
  return out + verdict(summary) + '\n';
}

std::string json_report(const LoadSummary& summary) {
  const auto& counts = summary.counts;
  auto connections = connections_json(counts);
  connections["never_made"] = summary.never_made;
  connections["held_back"] = summary.held_back;
  connections["not_tried"] = summary.own_limits_failed;
  auto rates = rates_json(counts, summary.seconds);
  rates["echoes_per_cpu_second"] = per_second(static_cast<double>(counts.echoes), summary.cpu_seconds);
  Json document = {{"target", summary.target},
                   {"address", summary.address},
                   {"started", summary.started},
                   {"options", options_json(summary)},
                   {"seconds", summary.seconds},
                   {"cpu_seconds", summary.cpu_seconds},
                   {"threads", summary.threads},
                   {"interrupted", summary.interrupted},
                   {"ok", summary.is_good()},
                   {"connections", std::move(connections)},
                   {"bytes", bytes_json(counts)},
                   {"echoes", counts.echoes},
                   {"late", counts.late},
                   {"skipped", counts.skipped},
                   {"lost", counts.lost},
                   {"rates", std::move(rates)},
                   {"latency_seconds", latency_json(summary.latency)},
                   {"longest_silence_seconds", seconds_of(summary.longest_silence)},
                   {"own_limits", summary.own_limits},
                   {"timeline", timeline_json(summary)}};
  if (summary.due) document["due"] = *summary.due;
  return dumped(document, kIndent);
}

std::string json_line(const LoadInterval& interval) {
  const Json line = {{"begin", interval.begin},
                     {"end", interval.end},
                     {"stage", name_of(interval.stage)},
                     {"open", interval.open},
                     {"connections", connections_json(interval.counts)},
                     {"bytes", bytes_json(interval.counts)},
                     {"echoes", interval.counts.echoes},
                     {"skipped", interval.counts.skipped},
                     {"lost", interval.counts.lost},
                     {"rates", rates_json(interval.counts, interval.end - interval.begin)},
                     {"latency_seconds", latency_json(interval.latency)}};
  return dumped(line, kOneLine);
}

std::string progress_line(const LoadInterval& interval) {
  const double length = interval.end - interval.begin;
  const auto& counts = interval.counts;
  // Tenths only where intervals are shorter than a second.
  auto line = fmt::format("{:.{}f} s  {} open  {:.0f} echoes/s  {}/s  p99 {:.2f} ms", interval.end,
                          length < 0.95 ? 1 : 0, interval.open,
                          per_second(static_cast<double>(counts.echoes), length),
                          bytes_in_words(per_second(static_cast<double>(counts.received_bytes), length)),
                          seconds_of(interval.latency.percentile(99)) * kMillisecondsPerSecond);
  if (interval.stage == LoadStage::kWarmup) line += "  warm-up";
  if (counts.any_failure()) line += "  " + failures_in_words(counts);
  return line;
}

}  // namespace tcp_echo
