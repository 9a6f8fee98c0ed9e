// Results as a picture: one bar for each comparison, from 1 to its ratio. The axis is logarithmic, so that
// twice as fast and half as fast are equally long.

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "results.hpp"
#include "tcp_echo/base/text.hpp"

namespace tcp_echo::bench {
namespace {

constexpr double kLeft = 130;  // of the axis; the names of peers stand before it
constexpr double kWidth = 500;
constexpr double kRight = 170;  // for the figures
constexpr double kTop = 64;
constexpr double kBarHeight = 18;
constexpr double kTitleHeight = 30;
constexpr double kFoot = 40;

constexpr std::string_view kStyle =
    "<style>\n"
    "svg{background:#fff;font:12px system-ui,sans-serif;fill:#222}\n"
    ".grid{stroke:#ddd}.one{stroke:#555}.more{fill:#2f7d5b}.less{fill:#b5652b}.whisker{stroke:#111;stroke-"
    "width:1.3}\n"
    ".dim{fill:#666}.title{font-weight:600}.end{text-anchor:end}.middle{text-anchor:middle}\n"
    "@media(prefers-color-scheme:dark){svg{background:#111519;fill:#e6e6e6}.grid{stroke:#333a40}.one{stroke:#"
    "aaa}"
    ".more{fill:#4fae83}.less{fill:#d58a4e}.whisker{stroke:#f4f4f4}.dim{fill:#9aa4ad}}\n"
    "</style>\n";

std::string escaped(const std::string& text) {
  std::string safe;
  safe.reserve(text.size());
  for (const char byte : text) {
    switch (byte) {
      case '&': safe += "&amp;"; break;
      case '<': safe += "&lt;"; break;
      case '>': safe += "&gt;"; break;
      default: safe += byte;
    }
  }
  return safe;
}

/// Where a ratio lies; what is beyond an end is drawn at that end, and its figure says the rest.
class Axis {
 public:
  explicit Axis(const std::vector<Estimate>& ratios) {
    for (const auto& ratio : ratios) {
      if (ratio.count == 0) continue;
      low_ = std::min(low_, ratio.low);
      high_ = std::max(high_, ratio.high);
    }
    low_ = std::clamp(low_ * 0.95, 0.1, 0.8);
    high_ = std::clamp(high_ * 1.05, 1.25, 10.0);
  }

  double at(double ratio) const {
    const auto within = std::clamp(ratio, low_, high_);
    return kLeft + kWidth * std::log(within / low_) / std::log(high_ / low_);
  }
  bool holds(double ratio) const { return ratio >= low_ && ratio <= high_; }

 private:
  double low_ = 1;
  double high_ = 1;
};

std::string grid(const Axis& axis, double bottom) {
  std::string text;
  for (const double tick : {0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0}) {
    if (!axis.holds(tick)) continue;
    const auto x = axis.at(tick);
    text += fmt::format(
        "<line class=\"{}\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.0f}\" y2=\"{:.0f}\"/>"
        "<text class=\"dim middle\" x=\"{:.1f}\" y=\"{:.0f}\">{}</text>\n",
        tick == 1.0 ? "one" : "grid", x, x, kTop, bottom, x, bottom + 16, tick);
  }
  return text;
}

/// The name of the peer, and in place of a bar that there is none: a comparison that failed does not vanish.
std::string no_bar(const Axis& axis, const Comparison& comparison, double y) {
  const auto baseline = y + kBarHeight / 2 + 4;
  return fmt::format(
      "<text class=\"end\" x=\"{:.0f}\" y=\"{:.1f}\">{}</text>"
      "<text class=\"dim\" x=\"{:.1f}\" y=\"{:.1f}\">no clean pair</text>\n",
      kLeft - 8, baseline, escaped(comparison.peer), axis.at(1) + 6, baseline);
}

/// What the figure alone does not tell.
std::string remarks(const Comparison& comparison, const Estimate& ratio) {
  std::string text;
  if (comparison.bound_of(&Pair::ours) == Bound::kClient) text += " (client)";
  if (ratio.count < comparison.pairs.size())
    text += fmt::format(" ({} of {})", ratio.count, comparison.pairs.size());
  return text;
}

std::string bar(const Axis& axis, const Comparison& comparison, const Estimate& ratio, double y) {
  const auto begin = std::min(axis.at(1), axis.at(ratio.median));
  const auto length = std::max(std::abs(axis.at(ratio.median) - axis.at(1)), 0.5);
  const auto middle = y + kBarHeight / 2;
  return fmt::format(
      "<text class=\"end\" x=\"{:.0f}\" y=\"{:.1f}\">{}</text>"
      "<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.0f}\"/>"
      "<line class=\"whisker\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>"
      "<text x=\"{:.0f}\" y=\"{:.1f}\">{:.2f}{}</text>\n",
      kLeft - 8, middle + 4, escaped(comparison.peer), ratio.median >= 1 ? "more" : "less", begin, y + 3,
      length, kBarHeight - 6, axis.at(ratio.low), axis.at(ratio.high), middle, middle, kLeft + kWidth + 10,
      middle + 4, ratio.median, remarks(comparison, ratio));
}

/// "Medians of 13 to 15 pairs; lines: at least 95.1 % confidence."
std::string basis(const std::vector<Estimate>& ratios) {
  std::vector<Estimate> known;
  std::copy_if(ratios.begin(), ratios.end(), std::back_inserter(known),
               [](const Estimate& ratio) { return ratio.count > 0; });
  if (known.empty()) return "No pair ran clean.";
  const auto [few, many] = std::minmax_element(
      known.begin(), known.end(), [](const auto& a, const auto& b) { return a.count < b.count; });
  const auto worst = std::min_element(
      known.begin(), known.end(), [](const auto& a, const auto& b) { return a.confidence < b.confidence; });
  const bool alike = few->count == many->count;
  return fmt::format("Medians of {}{}; lines: {}{:.1f} % confidence.",
                     alike ? "" : fmt::format("{} to ", few->count), counted(many->count, "pair"),
                     alike ? "" : "at least ", 100 * worst->confidence);
}

}  // namespace

std::string chart(const Results& results) {
  if (results.comparisons.empty()) return "";
  std::vector<Estimate> ratios;
  ratios.reserve(results.comparisons.size());
  for (const auto& comparison : results.comparisons) ratios.push_back(comparison.ratio());
  const Axis axis(ratios);
  std::string bars;
  std::string title;
  double y = kTop;
  for (std::size_t i = 0; i < ratios.size(); ++i) {
    const auto& comparison = results.comparisons[i];
    if (comparison.title != title) {
      title = comparison.title;
      y += kTitleHeight;
      bars += fmt::format("<text class=\"title\" x=\"{:.0f}\" y=\"{:.1f}\">{}</text>\n", kLeft, y - 6,
                          escaped(title));
    }
    bars += ratios[i].count == 0 ? no_bar(axis, comparison, y) : bar(axis, comparison, ratios[i], y);
    y += kBarHeight;
  }
  const auto width = kLeft + kWidth + kRight;
  const auto height = y + kFoot;
  auto text = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} "
      "{1:.0f}\">\n",
      width, height);
  text += kStyle;
  text +=
      "<text class=\"title\" x=\"16\" y=\"26\">Rate of tcp-echo, as a multiple of another server's</text>\n";
  text += fmt::format("<text class=\"dim\" x=\"16\" y=\"46\">Right of 1 tcp-echo is faster. {} {}</text>\n",
                      basis(ratios), results.date.substr(0, 10));
  return text + grid(axis, y + 8) + bars + "</svg>\n";
}

}  // namespace tcp_echo::bench
