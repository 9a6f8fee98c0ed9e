#include "run.hpp"

#include <spdlog/fmt/fmt.h>

#include <nlohmann/json.hpp>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/text.hpp"

namespace tcp_echo::bench {
namespace {

constexpr std::size_t kLongestExcerpt = 300;

std::string last_line(const std::string& text) {
  const auto end = text.find_last_not_of('\n');
  if (end == std::string::npos) return {};
  const auto before = text.rfind('\n', end);
  const auto begin = before == std::string::npos ? 0 : before + 1;
  return text.substr(begin, end + 1 - begin);
}

std::optional<double> number_or_nothing(const nlohmann::json& value) {
  return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

/// Says what keeps the figures from being used, or nothing.
std::string fill_in(Run& run, const nlohmann::json& report, unsigned threads) {
  if (report.is_discarded()) return "the load generator wrote no report";
  try {
    Run read;
    read.seconds = report.at("seconds");
    read.echoes = report.at("echoes");
    if (read.seconds > 0) {
      read.rate = read.echoes / read.seconds;
      read.client_busy = report.at("cpu_seconds").get<double>() / read.seconds / threads;
    }
    read.p50 = number_or_nothing(report.at("latency_seconds").at("p50"));
    read.p99 = number_or_nothing(report.at("latency_seconds").at("p99"));
    run = read;
  } catch (const nlohmann::json::exception& error) {
    return fmt::format("the report of the load generator is not understood: {}", excerpt(error.what()));
  }
  return run.rate > 0 ? "" : "not one echo within the measured time";
}

bool says(const nlohmann::json& report, const char* key) {
  return report.is_object() && report.contains(key) && report.at(key) == true;
}

/// What the load generator finds wrong with the run, or nothing.
std::string complaint_of(const LoadEnd& end, const nlohmann::json& report) {
  if (!end.exit_code) return "the load generator " + end.ending;
  const auto line = last_line(end.output);
  auto verdict = line.empty() ? "it says nothing" : excerpt(line);
  if (*end.exit_code == static_cast<int>(ExitCode::kFailed)) return verdict;
  if (*end.exit_code != 0) return fmt::format("the load generator {}: {}", end.ending, verdict);
  if (report.is_discarded()) return {};
  if (!says(report, "ok")) return "the report of the load generator does not say ok: " + verdict;
  // Every byte may be right in what is left of the measured time.
  if (says(report, "interrupted")) return "the load generator was interrupted";
  return {};
}

}  // namespace

std::optional<double> Run::efficiency() const {
  if (!server_busy || *server_busy <= 0) return std::nullopt;
  return rate / *server_busy;
}

Run read_run(const LoadEnd& end) {
  Run run;
  const auto report = nlohmann::json::parse(end.report, nullptr, false);
  const auto unusable = fill_in(run, report, end.threads);
  run.complaint = complaint_of(end, report);
  if (run.complaint.empty()) run.complaint = unusable;
  run.ok = run.complaint.empty();
  return run;
}

std::string excerpt(const std::string& output) {
  auto text = printable(std::string_view(output).substr(0, output.find_last_not_of('\n') + 1));
  if (text.size() <= kLongestExcerpt) return text;
  auto cut = kLongestExcerpt;
  while (!is_utf8(std::string_view(text).substr(0, cut))) --cut;  // not in the middle of a character
  return text.substr(0, cut) + "...";
}

}  // namespace tcp_echo::bench
