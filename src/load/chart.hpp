// A line chart as inline SVG that takes its colours from the page's style sheet: classes grid, axis, line-1
// to line-3 and dot-1 to dot-3.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tcp_echo {

struct ChartPoint {
  double x = 0;
  double y = 0;
  std::string note;  ///< shown when the pointer rests on the point
};

struct ChartLine {
  std::string name;
  std::vector<ChartPoint> points;
};

struct ChartTick {
  double at = 0;
  std::string label;
};

struct Chart {
  std::string title;
  std::string x_name;
  std::string y_name;
  double x_from = 0;
  double x_to = 1;
  std::vector<ChartTick> x_ticks;
  std::vector<ChartLine> lines;  ///< up to three
};

/// What stands for `text` in HTML, in an element or between quotes.
std::string escaped(std::string_view text);

/// Ticks at 1, 2 or 5 times a power of ten from 0, the last at or above `largest`; about `wanted` of them. 0
/// and 1 for what is not a positive number.
std::vector<ChartTick> round_ticks(double largest, int wanted);

/// An svg element. The y axis begins at 0 and ends at the round tick above the largest value; without points
/// it says that there is nothing to show.
std::string svg(const Chart& chart);

}  // namespace tcp_echo
