#include "tcp_echo/load/report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

LoadSummary ten_seconds() {
  LoadSummary summary;
  summary.target = "localhost:7";
  summary.address = "127.0.0.1:7";
  summary.options = {{"--connections", "50"}, {"--message", "hello"}};
  summary.started = "2024-05-01T12:00:00Z";
  summary.seconds = 10;
  summary.cpu_seconds = 4;
  summary.threads = 2;
  summary.has_echoed = true;
  summary.counts.connected = 50;
  summary.counts.echoes = 1000;
  summary.counts.sent_bytes = 64'000;
  summary.counts.received_bytes = 32'000;
  for (int i = 1; i <= 1000; ++i) summary.latency.record(std::chrono::microseconds(1));
  summary.longest_silence = 3ms;
  summary.timeline = {{0, 5, 400, 0.5, 1, 2}, {5, 10, 600, 0.25, 4, 8}};
  return summary;
}

/// Fails unless the text is one JSON document, with a newline at its end.
json parsed(const std::string& text) {
  EXPECT_THAT(text, EndsWith("}\n"));
  auto document = json::parse(text, nullptr, false);
  EXPECT_FALSE(document.is_discarded()) << text;
  return document;
}

bool has_null(const json& value) {
  if (!value.is_structured()) return value.is_null();
  return std::any_of(value.begin(), value.end(), [](const json& part) { return has_null(part); });
}

TEST(TextReport, HasWhatWasAskedFor) {
  const auto text = text_report(ten_seconds());
  EXPECT_THAT(text, StartsWith("target           localhost:7 (127.0.0.1:7)\n"));
  EXPECT_THAT(text, HasSubstr("\nconnections      50 made, 0 refused, 0 reset, 0 closed early\n"));
  EXPECT_THAT(text, HasSubstr("\nbytes            0 wrong, 0 missing, 0 extra\n"));
  EXPECT_THAT(text, HasSubstr("\nrate             100 echoes/s, 6.40 kB/s sent, 3.20 kB/s received\n"));
  EXPECT_THAT(text, HasSubstr("\nlatency          p50 1.00 µs, p90 "));
  EXPECT_THAT(text, HasSubstr("\nlongest silence  3.00 ms\n"));
}

TEST(TextReport, EndsWithTheVerdict) {
  auto summary = ten_seconds();
  EXPECT_THAT(text_report(summary), EndsWith("\nok: every byte came back\n"));
  summary.counts.reset = 2;
  EXPECT_THAT(text_report(summary), EndsWith("\nFAILED: 2 reset\n"));
}

TEST(TextReport, NamesOurOwnLimitsBeforeTheVerdict) {
  auto summary = ten_seconds();
  EXPECT_THAT(text_report(summary), Not(HasSubstr("own limit")));
  summary.own_limits = {"no more than 1024 files may be open", "out of\nports"};
  EXPECT_THAT(text_report(summary), HasSubstr("\nown limit        no more than 1024 files may be open\n"
                                              "own limit        out of\\nports\nok: "));
}

TEST(TextReport, HasFiguresOfARunWithoutAnything) {
  EXPECT_THAT(text_report(LoadSummary()), Not(HasSubstr("nan")));
  EXPECT_THAT(text_report(LoadSummary()), Not(HasSubstr("inf")));
}

TEST(JsonReport, HasEveryFigure) {
  auto summary = ten_seconds();
  summary.counts.stuck = 1;
  summary.counts.faults = {1, 2, 3};
  summary.counts.skipped = 9;
  summary.counts.late = 10;
  summary.counts.lost = 11;
  summary.counts.without_fin = 2;
  summary.never_made = 3;
  summary.held_back = 4;
  summary.due = 1030;
  summary.own_limits = {"too few files"};
  summary.own_limits_failed = 7;
  const auto document = parsed(json_report(summary));
  EXPECT_EQ(document["target"], "localhost:7");
  EXPECT_EQ(document["address"], "127.0.0.1:7");
  EXPECT_EQ(document["started"], "2024-05-01T12:00:00Z");
  EXPECT_EQ(document["options"], (json{{"--connections", "50"}, {"--message", "hello"}}));
  EXPECT_EQ(document["seconds"], 10);
  EXPECT_EQ(document["cpu_seconds"], 4);
  EXPECT_EQ(document["threads"], 2);
  EXPECT_EQ(document["interrupted"], false);
  EXPECT_EQ(document["ok"], false);
  EXPECT_EQ(document["connections"], (json{{"made", 50},
                                           {"refused", 0},
                                           {"reset", 0},
                                           {"closed_early", 0},
                                           {"unreachable", 0},
                                           {"stuck", 1},
                                           {"without_fin", 2},
                                           {"never_made", 3},
                                           {"held_back", 4},
                                           {"not_tried", 7}}));
  EXPECT_EQ(document["bytes"],
            (json{{"sent", 64'000}, {"received", 32'000}, {"wrong", 1}, {"missing", 2}, {"extra", 3}}));
  EXPECT_EQ(document["echoes"], 1000);
  EXPECT_EQ(document["due"], 1030);
  EXPECT_EQ(document["late"], 10);
  EXPECT_EQ(document["skipped"], 9);
  EXPECT_EQ(document["lost"], 11);
  EXPECT_EQ(document["own_limits"], json{"too few files"});
}

TEST(JsonReport, SaysNothingOfWhatWasDueIfNothingGoesByTheClock) {
  EXPECT_FALSE(parsed(json_report(ten_seconds())).contains("due"));
}

TEST(JsonReport, HasRatesOfTheMeasuredTime) {
  EXPECT_EQ(parsed(json_report(ten_seconds()))["rates"], (json{{"echoes_per_second", 100.0},
                                                               {"sent_bytes_per_second", 6400.0},
                                                               {"received_bytes_per_second", 3200.0},
                                                               {"echoes_per_cpu_second", 250.0}}));
}

TEST(JsonReport, GivesTimesInSeconds) {
  const auto document = parsed(json_report(ten_seconds()));
  for (const auto* const figure : {"min", "mean", "p50", "p90", "p99", "p99.9", "max"}) {
    EXPECT_DOUBLE_EQ(document["latency_seconds"][figure], 1e-6) << figure;
  }
  EXPECT_DOUBLE_EQ(document["longest_silence_seconds"], 0.003);
}

TEST(JsonReport, HasTheRateOverTime) {
  const auto timeline = parsed(json_report(ten_seconds()))["timeline"];
  ASSERT_EQ(timeline.size(), 2U);
  EXPECT_EQ(timeline[1]["begin"], 5);
  EXPECT_EQ(timeline[1]["end"], 10);
  EXPECT_EQ(timeline[1]["echoes"], 600);
  EXPECT_DOUBLE_EQ(timeline[1]["p50_seconds"], 0.00025);
  EXPECT_DOUBLE_EQ(timeline[1]["p99_seconds"], 0.004);
  EXPECT_DOUBLE_EQ(timeline[1]["max_seconds"], 0.008);
}

TEST(JsonReport, BeginsWithWhatTheRunWas) {
  EXPECT_THAT(json_report(ten_seconds()), StartsWith("{\n  \"target\": \"localhost:7\",\n  \"address\": "));
}

TEST(JsonReport, IsValidWhateverTheUserTyped) {
  auto summary = ten_seconds();
  summary.target = "a \"quoted\" \\ name\n\x01";
  summary.address = "caf\xe9";
  summary.options = {{"--message", "\xff\xfe\"\\"}, {"--\xc3", "x"}};
  summary.own_limits = {"\xf0\x9f"};
  const auto document = parsed(json_report(summary));
  EXPECT_EQ(document["target"], summary.target);
  EXPECT_EQ(document["address"], "caf\xef\xbf\xbd");
}

TEST(JsonReport, HasNumbersForARunWithoutAnything) {
  const auto document = parsed(json_report(LoadSummary()));
  EXPECT_FALSE(has_null(document)) << document;
  EXPECT_EQ(document["rates"]["echoes_per_second"], 0.0);
  EXPECT_EQ(document["latency_seconds"]["mean"], 0.0);
  EXPECT_EQ(document["options"], json::object());
  EXPECT_EQ(document["own_limits"], json::array());
  EXPECT_EQ(document["timeline"], json::array());
}

TEST(JsonLine, IsOneLineWithTheFiguresOfItsInterval) {
  LoadInterval interval;
  interval.begin = 1;
  interval.end = 1.5;
  interval.stage = LoadStage::kWarmup;
  interval.open = 20;
  interval.counts.echoes = 100;
  interval.counts.refused = 3;
  interval.latency.record(2us);
  const auto line = json_line(interval);
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  const auto document = parsed(line);
  EXPECT_EQ(document["begin"], 1);
  EXPECT_EQ(document["end"], 1.5);
  EXPECT_EQ(document["stage"], "warm-up");
  EXPECT_EQ(document["open"], 20);
  EXPECT_EQ(document["echoes"], 100);
  EXPECT_EQ(document["connections"]["refused"], 3);
  EXPECT_EQ(document["rates"]["echoes_per_second"], 200.0);
  EXPECT_DOUBLE_EQ(document["latency_seconds"]["max"], 2e-6);
}

TEST(JsonLine, HasNumbersForAnIntervalWithoutAnything) {
  EXPECT_FALSE(has_null(parsed(json_line(LoadInterval()))));
}

TEST(ProgressLine, TellsTheRateOfItsInterval) {
  LoadInterval interval;
  interval.begin = 11;
  interval.end = 12.0004;
  interval.open = 50;
  interval.counts.echoes = 181'306;
  interval.counts.received_bytes = 23'209'280;
  interval.latency.record(410us);
  EXPECT_EQ(progress_line(interval), "12 s  50 open  181234 echoes/s  23.2 MB/s  p99 0.41 ms");
}

TEST(ProgressLine, HasTenthsWhereIntervalsAreShort) {
  LoadInterval interval;
  interval.begin = 0.5;
  interval.end = 0.7;
  EXPECT_EQ(progress_line(interval), "0.7 s  0 open  0 echoes/s  0 B/s  p99 0.00 ms");
}

TEST(ProgressLine, TellsWhatFailedAndThatItIsTheWarmUp) {
  LoadInterval interval;
  interval.end = 1;
  interval.stage = LoadStage::kWarmup;
  interval.counts.reset = 2;
  EXPECT_THAT(progress_line(interval), EndsWith("  warm-up  2 reset"));
}

}  // namespace
}  // namespace tcp_echo
