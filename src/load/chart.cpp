#include "chart.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace tcp_echo {
namespace {

// In units of the view box: the page scales the whole.
constexpr double kWidth = 760;
constexpr double kHeight = 280;
constexpr double kLeft = 64;
constexpr double kRight = 744;
constexpr double kTop = 40;
constexpr double kBottom = 232;
constexpr double kCharacter = 8;  ///< wide at most: a digit of the page's font is about 7
constexpr int kTicksWanted = 5;
/// Beyond that many points a line is a line; below, each is marked and tells its figures.
constexpr std::size_t kMostDots = 150;

/// "0.05", "1500", "200k", "1.5M".
std::string short_number(double value) {
  constexpr std::array<std::string_view, 4> kUnits = {"", "k", "M", "G"};
  std::size_t unit = 0;
  while (value >= 10'000 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  return fmt::format("{:.6g}{}", value, kUnits[unit]);
}

class Scale {
 public:
  Scale(double x_from, double x_to, double y_to) : x_from_(x_from), x_length_(x_to - x_from), y_to_(y_to) {}

  double x(double value) const {
    const double share = x_length_ > 0 ? (value - x_from_) / x_length_ : 0.5;
    return kLeft + std::clamp(share, 0.0, 1.0) * (kRight - kLeft);
  }
  double y(double value) const { return kBottom - std::clamp(value / y_to_, 0.0, 1.0) * (kBottom - kTop); }

 private:
  double x_from_;
  double x_length_;
  double y_to_;
};

double largest_of(const Chart& chart) {
  double largest = 0;
  for (const auto& line : chart.lines) {
    for (const auto& point : line.points) largest = std::max(largest, point.y);
  }
  return largest;
}

std::string text_at(double x, double y, std::string_view anchor, std::string_view text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor,
                     escaped(text));
}

/// Below the axis, centred on x as far as the view box goes on.
std::string x_label(double x, std::string_view label) {
  const double y = kBottom + 20;
  const bool is_cut_off = x + kCharacter * static_cast<double>(label.size()) / 2 > kWidth;
  return is_cut_off ? text_at(kWidth, y, "end", label) : text_at(x, y, "middle", label);
}

std::string rule(std::string_view kind, double x1, double y1, double x2, double y2) {
  return fmt::format("<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n", kind,
                     x1, y1, x2, y2);
}

std::string axes(const Chart& chart, const Scale& scale, const std::vector<ChartTick>& y_ticks) {
  std::string out;
  for (const auto& tick : y_ticks) {
    const double y = scale.y(tick.at);
    out += rule(tick.at > 0 ? "grid" : "axis", kLeft, y, kRight, y);
    out += text_at(kLeft - 8, y + 4, "end", tick.label);
  }
  for (const auto& tick : chart.x_ticks) {
    const double x = scale.x(tick.at);
    out += rule("axis", x, kBottom, x, kBottom + 5);
    out += x_label(x, tick.label);
  }
  out += text_at(kLeft - 8, kTop - 16, "end", chart.y_name);
  out += text_at((kLeft + kRight) / 2, kBottom + 40, "middle", chart.x_name);
  return out;
}

std::string dots(const ChartLine& line, std::size_t number, const Scale& scale) {
  std::string out;
  for (const auto& point : line.points) {
    out += fmt::format(
        "<circle class=\"dot-{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.5\"><title>{}</title></circle>\n", number,
        scale.x(point.x), scale.y(point.y), escaped(point.note));
  }
  return out;
}

std::string polyline(const ChartLine& line, std::size_t number, const Scale& scale) {
  std::string out = fmt::format("<polyline class=\"line-{}\" points=\"", number);
  for (const auto& point : line.points)
    out += fmt::format("{:.1f},{:.1f} ", scale.x(point.x), scale.y(point.y));
  return out + "\"/>\n";
}

/// Which line is which: from the right, above the chart. One line alone needs none.
std::string legend(const Chart& chart) {
  constexpr double kEntry = 76;
  if (chart.lines.size() < 2) return {};
  std::string out;
  double x = kRight - kEntry * static_cast<double>(chart.lines.size());
  std::size_t number = 0;
  for (const auto& line : chart.lines) {
    out += rule(fmt::format("line-{}", ++number), x, kTop - 20, x + 18, kTop - 20);
    out += text_at(x + 24, kTop - 16, "start", line.name);
    x += kEntry;
  }
  return out;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

std::vector<ChartTick> round_ticks(double largest, int wanted) {
  double step = 1;
  if (std::isnormal(largest) && largest > 0) {
    const double rough = largest / wanted;
    const double power = std::pow(10, std::floor(std::log10(rough)));
    const double digit = rough / power;
    step = power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
  } else {
    largest = 1;
  }
  // A hair less than a whole step over is a matter of rounding.
  const int count = static_cast<int>(std::ceil(largest / step - 1e-9));
  std::vector<ChartTick> ticks;
  ticks.reserve(static_cast<std::size_t>(count) + 1);
  for (int i = 0; i <= count; ++i) ticks.push_back(ChartTick{i * step, short_number(i * step)});
  return ticks;
}

std::string svg(const Chart& chart) {
  const auto y_ticks = round_ticks(largest_of(chart), kTicksWanted);
  const Scale scale(chart.x_from, chart.x_to, y_ticks.back().at);
  std::string out = fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n", kWidth,
                                kHeight, escaped(chart.title));
  out += axes(chart, scale, y_ticks);
  out += legend(chart);
  bool empty = true;
  std::size_t number = 0;
  for (const auto& line : chart.lines) {
    ++number;
    if (line.points.empty()) continue;
    empty = false;
    out += polyline(line, number, scale);
    if (line.points.size() <= kMostDots) out += dots(line, number, scale);
  }
  if (empty) out += text_at((kLeft + kRight) / 2, (kTop + kBottom) / 2, "middle", "nothing to show");
  return out + "</svg>\n";
}

}  // namespace tcp_echo
