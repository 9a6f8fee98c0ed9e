#include "exposition.hpp"

#include <spdlog/fmt/fmt.h>

#include <array>
#include <iterator>

namespace tcp_echo {
namespace {

constexpr std::string_view kTotalSuffix = "_total";
constexpr std::string_view kInfoSuffix = "_info";
constexpr std::array<std::string_view, 3> kUnits = {"bytes", "seconds", "ratio"};

std::string_view without(std::string_view name, std::string_view suffix) {
  if (name.ends_with(suffix)) name.remove_suffix(suffix.size());
  return name;
}

/// OpenMetrics names a family without what its samples end with.
std::string_view family_of(const Metric& metric, Exposition::Format format) {
  if (format == Exposition::Format::kPrometheus) return metric.name;
  switch (metric.kind) {
    case MetricKind::kCounter: return without(metric.name, kTotalSuffix);
    case MetricKind::kInfo: return without(metric.name, kInfoSuffix);
    case MetricKind::kGauge:
    case MetricKind::kHistogram: return metric.name;
  }
  return metric.name;
}

std::string_view type_in(Exposition::Format format, MetricKind kind) {
  const bool is_known = kind != MetricKind::kInfo || format == Exposition::Format::kOpenMetrics;
  return is_known ? name_of(kind) : name_of(MetricKind::kGauge);
}

/// A limit of a bucket is a float, and looks like one: "1023.0".
std::string limit_text(double limit) {
  auto text = fmt::format("{}", limit);
  if (text.find_first_not_of("0123456789") == std::string::npos) text += ".0";
  return text;
}

std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::string_view name_of(MetricKind kind) {
  switch (kind) {
    case MetricKind::kCounter: return "counter";
    case MetricKind::kGauge: return "gauge";
    case MetricKind::kHistogram: return "histogram";
    case MetricKind::kInfo: return "info";
  }
  return "";
}

std::string_view unit_of(const Metric& metric) {
  const auto name = without(metric.name, kTotalSuffix);
  for (const auto unit : kUnits)
    if (name.ends_with(unit)) return unit;
  return "";
}

void Exposition::begin(const Metric& metric) {
  metric_ = &metric;
  const auto family = family_of(metric, format_);
  const auto out = std::back_inserter(text_);
  fmt::format_to(out, "# HELP {} {}\n# TYPE {} {}\n", family, metric.help, family,
                 type_in(format_, metric.kind));
  const auto unit = unit_of(metric);
  if (format_ == Format::kOpenMetrics && !unit.empty()) fmt::format_to(out, "# UNIT {} {}\n", family, unit);
}

void Exposition::add(Labels labels, std::uint64_t value) { line("", labels, fmt::format("{}", value)); }

void Exposition::add(Labels labels, double value) { line("", labels, fmt::format("{}", value)); }

void Exposition::add_histogram(std::span<const Bucket> buckets, std::uint64_t beyond, double sum) {
  std::uint64_t count = 0;
  for (const auto& bucket : buckets) {
    count += bucket.count;
    line("_bucket", {{"le", limit_text(bucket.most)}}, fmt::format("{}", count));
  }
  count += beyond;
  line("_bucket", {{"le", "+Inf"}}, fmt::format("{}", count));
  line("_sum", {}, fmt::format("{}", sum));
  line("_count", {}, fmt::format("{}", count));
}

void Exposition::line(std::string_view suffix, Labels labels, const std::string& value) {
  const auto out = std::back_inserter(text_);
  fmt::format_to(out, "{}{}", metric_->name, suffix);
  char separator = '{';
  for (const auto& [name, text] : labels) {
    fmt::format_to(out, "{}{}=\"{}\"", separator, name, escaped(text));
    separator = ',';
  }
  fmt::format_to(out, "{}{}\n", labels.size() == 0 ? " " : "} ", value);
}

std::string Exposition::finish() && {
  if (format_ == Format::kOpenMetrics) text_ += "# EOF\n";
  return std::move(text_);
}

/// Whoever names OpenMetrics prefers it: that is why it was asked for.
Exposition::Format wanted_format(std::string_view accept) {
  const bool is_named = accept.find("application/openmetrics-text") != std::string_view::npos;
  return is_named ? Exposition::Format::kOpenMetrics : Exposition::Format::kPrometheus;
}

std::string_view type_of(Exposition::Format format) {
  switch (format) {
    case Exposition::Format::kPrometheus: return "text/plain; version=0.0.4; charset=utf-8";
    case Exposition::Format::kOpenMetrics:
      return "application/openmetrics-text; version=1.0.0; charset=utf-8";
  }
  return "";
}

}  // namespace tcp_echo
