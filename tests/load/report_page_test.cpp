#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>

#include "tcp_echo/base/text.hpp"
#include "tcp_echo/load/report.hpp"

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

/// What is wrong with the tags of the page; empty if each that is opened is closed, in order, and no '<'
/// stands for anything else. It reads XML, of which our pages are: <br/>, never <br>.
std::string flaw_of(std::string_view page) {
  std::vector<std::string_view> open;
  page.remove_prefix(std::string_view("<!DOCTYPE html>").size());
  for (;;) {
    const auto begin = page.find('<');
    if (page.substr(0, begin).find('>') != std::string_view::npos) return "a '>' outside of a tag";
    if (begin == std::string_view::npos) break;
    page.remove_prefix(begin + 1);
    const auto end = page.find('>');
    if (end == std::string_view::npos) return "a tag without end";
    const auto tag = page.substr(0, end);
    page.remove_prefix(end + 1);
    if (tag.find('<') != std::string_view::npos) return "a tag within a tag: " + std::string(tag);
    if (std::count(tag.begin(), tag.end(), '"') % 2 != 0) return "an open quote: " + std::string(tag);
    if (tag.ends_with('/')) continue;
    if (!tag.starts_with('/')) {
      open.push_back(tag.substr(0, tag.find_first_of(" \n")));
    } else if (open.empty() || open.back() != tag.substr(1)) {
      return "closes what is not open: " + std::string(tag);
    } else {
      open.pop_back();
    }
  }
  return open.empty() ? "" : "not closed: " + std::string(open.back());
}

LoadSummary shown_run() {
  LoadSummary summary;
  summary.has_echoed = true;
  summary.target = "localhost:7";
  summary.started = "2024-05-01T12:00:00Z";
  summary.seconds = 10;
  summary.counts.echoes = 1000;
  for (int i = 1; i <= 1000; ++i) summary.latency.record(std::chrono::microseconds(i));
  summary.timeline = {{0, 5, 400, 0.5, 1, 2}, {5, 10, 600, 0.25, 4, 8}};
  return summary;
}

TEST(ReportPage, IsWellFormed) {
  EXPECT_EQ(flaw_of(html_report(shown_run())), "");
  EXPECT_EQ(flaw_of(html_report(LoadSummary())), "");
}

TEST(ReportPage, NeedsNothingElse) {
  const auto page = html_report(shown_run());
  for (const auto* const word : {"<script", "<link", "<img", "src=", "href=", "url(", "@import", "http"}) {
    EXPECT_THAT(page, Not(HasSubstr(word)));
  }
}

TEST(ReportPage, HasADarkAndALightFace) {
  EXPECT_THAT(html_report(shown_run()),
              AllOf(HasSubstr("color-scheme: light dark"), HasSubstr("@media (prefers-color-scheme: dark)")));
}

TEST(ReportPage, HasTheFiguresOfTheTextReport) {
  EXPECT_THAT(html_report(shown_run()),
              AllOf(HasSubstr("<th scope=\"row\">rate</th><td>100 echoes/s, "),
                    HasSubstr("<p class=\"verdict good\">ok: every byte came back</p>")));
}

TEST(ReportPage, SaysWhatFailed) {
  auto summary = shown_run();
  summary.counts.refused = 3;
  EXPECT_THAT(html_report(summary), HasSubstr("<p class=\"verdict bad\">FAILED: 3 refused</p>"));
}

TEST(ReportPage, EscapesWhatTheUserTyped) {
  auto summary = shown_run();
  summary.target = "<script>alert(\"1\")</script>&";
  summary.address = "</td>";
  summary.options = {{"--message", "</table><b a='\"&lt;"}, {"<i>", "\xff\n"}};
  summary.own_limits = {"<u> & \"more\""};
  const auto page = html_report(summary);
  EXPECT_EQ(flaw_of(page), "");
  EXPECT_THAT(
      page, HasSubstr("<title>Echo load on &lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;</title>"));
  EXPECT_THAT(page, HasSubstr("<td>&lt;/table&gt;&lt;b a=&#39;&quot;&amp;lt;</td>"));
  EXPECT_THAT(page, HasSubstr("<th scope=\"row\">&lt;i&gt;</th><td>\\xff\\n</td>"));
  EXPECT_THAT(page, HasSubstr("<li>&lt;u&gt; &amp; &quot;more&quot;</li>"));
  EXPECT_TRUE(is_utf8(page));
}

TEST(ReportPage, DrawsTheLatencyOverTheDistanceToAHundredPercent) {
  const auto page = html_report(shown_run());
  for (const auto* const label : {">0%</text>", ">90%</text>", ">99%</text>", ">99.9%</text>"}) {
    EXPECT_THAT(page, HasSubstr(label));
  }
  EXPECT_THAT(page, Not(HasSubstr(">99.99%</text>")));  // of 1000 echoes there is none
}

TEST(ReportPage, EndsTheCurveAtTheSlowestEcho) {
  EXPECT_THAT(html_report(shown_run()),
              HasSubstr("cx=\"744.0\" cy=\"40.0\" r=\"2.5\"><title>100 %: 1.00 ms</title>"));
}

TEST(ReportPage, DrawsTheRateAndTheLatencyOverTime) {
  EXPECT_THAT(html_report(shown_run()), AllOf(HasSubstr("<title>0.0 to 5.0 s: 80 echoes/s</title>"),
                                              HasSubstr("<title>5.0 to 10.0 s: 120 echoes/s</title>"),
                                              HasSubstr("<title>5.0 to 10.0 s: p99 4.00 ms</title>"),
                                              HasSubstr("<title>0.0 to 5.0 s: p50 500 µs</title>")));
}

TEST(ReportPage, LeavesLatencyOutWhereNoEchoCameBack) {
  auto summary = shown_run();
  summary.timeline[1] = {5, 10, 0, 0, 0, 0};
  const auto page = html_report(summary);
  EXPECT_THAT(page, HasSubstr("5.0 to 10.0 s: 0 echoes/s"));
  EXPECT_THAT(page, Not(HasSubstr("5.0 to 10.0 s: p99")));
}

TEST(ReportPage, ShowsARunOfOneInterval) {
  auto summary = shown_run();
  summary.timeline.resize(1);
  const auto page = html_report(summary);
  EXPECT_EQ(flaw_of(page), "");
  EXPECT_THAT(page, HasSubstr("<title>0.0 to 5.0 s: 80 echoes/s</title>"));
}

TEST(ReportPage, SaysThatThereIsNothingToShow) {
  const auto page = html_report(LoadSummary());
  EXPECT_THAT(page, HasSubstr(">nothing to show</text>"));
  EXPECT_THAT(page, Not(ContainsRegex("[ \",](nan|inf|-nan)[ \",]")));
}

TEST(ReportPage, ShowsARunOfOneEcho) {
  LoadSummary summary;
  summary.latency.record(1ms);
  EXPECT_THAT(html_report(summary), HasSubstr("<title>100 %: 1.00 ms</title>"));
}

TEST(ReportPage, DoesNotGrowWithTheLengthOfTheRun) {
  auto summary = shown_run();
  summary.timeline.assign(100'000, {0, 1, 10, 1, 1, 1});
  EXPECT_LT(html_report(summary).size(), 200'000U);
}

TEST(ReportPage, KeepsThePeaksOfALongRun) {
  auto summary = shown_run();
  summary.timeline.assign(1001, {0, 1, 10, 1, 1, 1});
  for (std::size_t i = 0; i < summary.timeline.size(); ++i) {
    summary.timeline[i].begin = static_cast<double>(i);
    summary.timeline[i].end = static_cast<double>(i + 1);
  }
  summary.timeline[500].p99 = 400;
  EXPECT_THAT(html_report(summary), HasSubstr(">400</text>"));
}

TEST(ReportPage, HasTheOptionsAndOurOwnLimitsIfThereAreAny) {
  auto summary = shown_run();
  EXPECT_THAT(html_report(summary),
              Not(AllOf(HasSubstr("Options of the run"), HasSubstr("Limits of our own"))));
  summary.options = {{"--connections", "50"}};
  summary.own_limits = {"too few files"};
  EXPECT_THAT(html_report(summary), AllOf(HasSubstr("<th scope=\"row\">--connections</th><td>50</td>"),
                                          HasSubstr("<li>too few files</li>")));
}

}  // namespace
}  // namespace tcp_echo
