#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "chart.hpp"
#include "figures.hpp"
#include "tcp_echo/base/text.hpp"
#include "tcp_echo/load/report.hpp"
#include "tcp_echo/load/timeline.hpp"

namespace tcp_echo {
namespace {

// More points than a chart is wide would make the page larger, not the line finer.
constexpr std::size_t kMostPoints = 600;
constexpr int kTimeTicks = 8;

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --page: #fcfcfb; --ink: #0b0b0b; --soft: #52514e; --faint: #e1e0d9;
  --axis: #a3a29c; --one: #2a78d6; --two: #1baf7a; --three: #b45f06; --good: #00701a; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --page: #1a1a19; --ink: #ffffff; --soft: #c3c2b7; --faint: #33332f; --axis: #77766f; --one: #3987e5;
    --two: #199e70; --three: #e08a3c; --good: #57c26f; --bad: #ff8a80; }
}
body { margin: 2rem auto; max-width: 50rem; padding: 0 1rem; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin-bottom: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p.about { color: var(--soft); margin-top: .25rem; }
p.verdict { font-weight: 600; border-left: 4px solid; padding-left: .75rem; }
p.good { border-color: var(--good); color: var(--good); }
p.bad { border-color: var(--bad); color: var(--bad); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .3rem .5rem .3rem 0; border-bottom: 1px solid var(--faint);
  overflow-wrap: anywhere; }
th { font-weight: 400; color: var(--soft); width: 11rem; }
svg { width: 100%; height: auto; font: 12px system-ui, sans-serif; }
svg text { fill: var(--soft); }
svg .grid { stroke: var(--faint); }
svg .axis { stroke: var(--axis); }
svg polyline { fill: none; stroke-linejoin: round; }
svg .line-1 { stroke: var(--one); stroke-width: 2; }
svg .line-2 { stroke: var(--two); stroke-width: 2; }
svg .line-3 { stroke: var(--three); stroke-width: 2; }
svg .dot-1 { fill: var(--one); }
svg .dot-2 { fill: var(--two); }
svg .dot-3 { fill: var(--three); }
)";

std::string section(std::string_view title, std::string_view content) {
  return fmt::format("<h2>{}</h2>\n{}", escaped(title), content);
}

std::string row(std::string_view name, std::string_view value) {
  return fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", escaped(name), escaped(value));
}

std::string figures_table(const LoadSummary& summary) {
  std::string out = "<table>\n";
  for (const auto& figure : figures(summary)) out += row(figure.name, figure.value);
  return out + "</table>\n";
}

std::string options_table(const LoadSummary& summary) {
  if (summary.options.empty()) return {};
  std::string out = "<table>\n";
  for (const auto& [flag, value] : summary.options) out += row(printable(flag), printable(value));
  return section("Options of the run", out + "</table>\n");
}

std::string limits_list(const LoadSummary& summary) {
  if (summary.own_limits.empty()) return {};
  std::string out = "<ul>\n";
  for (const auto& limit : summary.own_limits) out += fmt::format("<li>{}</li>\n", escaped(printable(limit)));
  return section("Limits of our own", out + "</ul>\n");
}

/// "0%", "90%", "99%", "99.9%", for a distance to 100 % of 1, a 10th, a 100th, a 1000th.
std::string percent_label(int nines) {
  if (nines == 0) return "0%";
  return fmt::format("{:.{}f}%", 100 - std::pow(10, 2 - nines), std::max(nines - 2, 0));
}

Chart latency_chart(const Histogram& latency) {
  Chart chart;
  chart.title = "Latency by percentile";
  chart.x_name = "share of the echoes";
  chart.y_name = "ms";
  ChartLine line{"latency", {}};
  // 100 % would lie at infinity; of n echoes the slowest is where 1 / (1 - p) is n.
  const double furthest = std::log10(static_cast<double>(std::max<std::uint64_t>(latency.count(), 1)));
  const auto steps = latency.steps();
  line.points.reserve(steps.size());
  for (const auto& step : steps) {
    const double x = step.percent < 100 ? std::log10(100 / (100 - step.percent)) : furthest;
    const double milliseconds = std::chrono::duration<double, std::milli>(step.value).count();
    line.points.push_back({std::min(x, furthest), milliseconds,
                           fmt::format("{:.6g} %: {}", step.percent, time_in_words(step.value))});
  }
  const int decades = steps.empty() ? 4 : std::max(1, static_cast<int>(std::ceil(furthest)));
  chart.x_to = decades;
  chart.x_ticks.reserve(static_cast<std::size_t>(decades) + 1);
  for (int nines = 0; nines <= decades; ++nines) {
    chart.x_ticks.push_back({static_cast<double>(nines), percent_label(nines)});
  }
  chart.lines.push_back(std::move(line));
  return chart;
}

/// At most kMostPoints: neighbours become one, with the worse latency of both.
std::vector<RatePoint> thinned(const std::vector<RatePoint>& timeline) {
  const std::size_t group = (timeline.size() + kMostPoints - 1) / kMostPoints;
  std::vector<RatePoint> thin;
  thin.reserve(kMostPoints);
  for (std::size_t i = 0; i < timeline.size(); ++i) {
    if (i % group == 0) {
      thin.push_back(timeline[i]);
    } else {
      thin.back() = joined(thin.back(), timeline[i]);
    }
  }
  return thin;
}

Chart over_time(std::string_view title, std::string_view y_name, const std::vector<RatePoint>& timeline) {
  Chart chart;
  chart.title = title;
  chart.x_name = "seconds since the start";
  chart.y_name = y_name;
  if (!timeline.empty()) chart.x_to = timeline.back().end;
  chart.x_ticks = round_ticks(chart.x_to, kTimeTicks);
  // The last tick may lie beyond the end, where the axis does not reach.
  while (chart.x_ticks.size() > 2 && chart.x_ticks.back().at > chart.x_to) chart.x_ticks.pop_back();
  return chart;
}

double middle_of_time(const RatePoint& point) { return (point.begin + point.end) / 2; }

Chart rate_chart(const std::vector<RatePoint>& timeline) {
  auto chart = over_time("Echoes per second over time", "echoes/s", timeline);
  ChartLine line{"echoes/s", {}};
  line.points.reserve(timeline.size());
  for (const auto& point : timeline) {
    const double rate = per_second(static_cast<double>(point.echoes), point.end - point.begin);
    line.points.push_back({middle_of_time(point), rate,
                           fmt::format("{:.1f} to {:.1f} s: {:.0f} echoes/s", point.begin, point.end, rate)});
  }
  chart.lines.push_back(std::move(line));
  return chart;
}

ChartLine latency_line(std::string name, double RatePoint::*figure, const std::vector<RatePoint>& timeline) {
  ChartLine line{std::move(name), {}};
  line.points.reserve(timeline.size());
  for (const auto& point : timeline) {
    if (point.echoes == 0) continue;  // then there is no latency, not one of 0
    const double milliseconds = point.*figure;
    line.points.push_back({middle_of_time(point), milliseconds,
                           fmt::format("{:.1f} to {:.1f} s: {} {}", point.begin, point.end, line.name,
                                       time_in_words(milliseconds / 1e3))});
  }
  return line;
}

Chart latency_time_chart(const std::vector<RatePoint>& timeline) {
  auto chart = over_time("Latency over time", "ms", timeline);
  chart.lines.push_back(latency_line("p99", &RatePoint::p99, timeline));
  chart.lines.push_back(latency_line("p50", &RatePoint::p50, timeline));
  return chart;
}

std::string figure_of(const Chart& chart) { return section(chart.title, svg(chart)); }

}  // namespace

std::string html_report(const LoadSummary& summary) {
  const auto target = escaped(printable(summary.target));
  const auto timeline = thinned(summary.timeline);
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
      "<title>Echo load on {}</title>\n<style>{}</style>\n</head>\n<body>\n",
      target, kStyle);
  out += fmt::format("<h1>Echo load on {}</h1>\n<p class=\"about\">{}</p>\n<p class=\"verdict {}\">{}</p>\n",
                     target, escaped(printable(summary.started)), summary.is_good() ? "good" : "bad",
                     escaped(verdict(summary)));
  out += section("Figures", figures_table(summary));
  out += limits_list(summary);
  out += figure_of(latency_chart(summary.latency));
  out += figure_of(rate_chart(timeline));
  out += figure_of(latency_time_chart(timeline));
  out += options_table(summary);
  return out + "</body>\n</html>\n";
}

}  // namespace tcp_echo
