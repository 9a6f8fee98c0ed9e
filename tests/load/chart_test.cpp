#include "load/chart.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace tcp_echo {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::vector<std::string> tick_labels(double largest, int wanted = 5) {
  std::vector<std::string> labels;
  for (const auto& tick : round_ticks(largest, wanted)) labels.push_back(tick.label);
  return labels;
}

Chart chart_of(std::vector<ChartPoint> points) {
  Chart chart;
  chart.title = "a chart";
  chart.x_to = 10;
  chart.lines.push_back({"a line", std::move(points)});
  return chart;
}

TEST(RoundTicks, AreOneTwoOrFiveTimesAPowerOfTen) {
  EXPECT_THAT(tick_labels(5), ElementsAre("0", "1", "2", "3", "4", "5"));
  EXPECT_THAT(tick_labels(7.3), ElementsAre("0", "2", "4", "6", "8"));
  EXPECT_THAT(tick_labels(23), ElementsAre("0", "5", "10", "15", "20", "25"));
  EXPECT_THAT(tick_labels(0.041), ElementsAre("0", "0.01", "0.02", "0.03", "0.04", "0.05"));
}

TEST(RoundTicks, AreShortForLargeNumbers) {
  EXPECT_THAT(tick_labels(180'000), ElementsAre("0", "50k", "100k", "150k", "200k"));
  EXPECT_THAT(tick_labels(1.9e7), ElementsAre("0", "5000k", "10M", "15M", "20M"));
}

TEST(RoundTicks, AreZeroAndOneForWhatIsNoPositiveNumber) {
  for (const double nothing :
       {0.0, -1.0, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THAT(tick_labels(nothing), ElementsAre("0", "1"));
  }
}

TEST(RoundTicks, AreFewWhateverIsTheLargest) {
  for (double largest = 1e-9; largest < 1e18; largest *= 1.7) {
    EXPECT_LE(round_ticks(largest, 5).size(), 6U + 1U) << largest;
    EXPECT_GE(round_ticks(largest, 5).back().at, largest * (1 - 1e-6));
  }
}

TEST(Escaped, LeavesNoMarkup) {
  EXPECT_EQ(escaped("<a href=\"x\">'&amp;'"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;amp;&#39;");
}

TEST(Chart, DrawsFromTheLowerLeftToTheUpperRight) {
  EXPECT_THAT(svg(chart_of({{0, 0, ""}, {10, 5, ""}})), HasSubstr("points=\"64.0,232.0 744.0,40.0 \""));
}

TEST(Chart, MarksEachPointAndTellsItsFigures) {
  EXPECT_THAT(svg(chart_of({{5, 1, "50 & more"}})), HasSubstr("<title>50 &amp; more</title></circle>"));
}

TEST(Chart, MarksNoPointWhereThereAreMany) {
  EXPECT_THAT(svg(chart_of(std::vector<ChartPoint>(1000, ChartPoint{1, 1, ""}))), Not(HasSubstr("<circle")));
}

TEST(Chart, CutsNoLabelOffAtItsRightEdge) {
  auto chart = chart_of({{0, 0, ""}, {10, 5, ""}});
  chart.x_ticks = {{0, "0"}, {5, "99.9"}, {10, "10"}};
  EXPECT_THAT(svg(chart), HasSubstr("<text x=\"744.0\" y=\"252.0\" text-anchor=\"middle\">10</text>"));
  chart.x_ticks.back().label = "99.9999";
  EXPECT_THAT(svg(chart), HasSubstr("<text x=\"760.0\" y=\"252.0\" text-anchor=\"end\">99.9999</text>"));
}

TEST(Chart, SaysThatItIsEmpty) {
  EXPECT_THAT(svg(chart_of({})), HasSubstr(">nothing to show</text>"));
  EXPECT_THAT(svg(Chart()), HasSubstr(">nothing to show</text>"));
}

TEST(Chart, StaysWithinItsAxes) {
  EXPECT_THAT(svg(chart_of({{-5, -5, ""}, {50, 1, ""}})), HasSubstr("points=\"64.0,232.0 744.0,40.0 \""));
}

TEST(Chart, HasNoInfinitiesWhereItsAxisHasNoLength) {
  auto chart = chart_of({{0, 1, ""}});
  chart.x_to = 0;
  EXPECT_THAT(svg(chart), HasSubstr("points=\"404.0,40.0 \""));
}

TEST(Chart, NamesItsLinesWhereThereAreTwo) {
  auto chart = chart_of({{1, 1, ""}});
  EXPECT_THAT(svg(chart), Not(HasSubstr(">a line</text>")));
  chart.lines.push_back({"<other>", {{2, 2, ""}}});
  EXPECT_THAT(svg(chart), HasSubstr(">a line</text>"));
  EXPECT_THAT(svg(chart), HasSubstr(">&lt;other&gt;</text>"));
}

TEST(Chart, EscapesItsTitle) {
  Chart chart;
  chart.title = "\"><script>";
  EXPECT_THAT(svg(chart), HasSubstr("aria-label=\"&quot;&gt;&lt;script&gt;\""));
}

}  // namespace
}  // namespace tcp_echo
