#include "bench/run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace tcp_echo::bench {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

nlohmann::json good_report() {
  return {{"ok", true},     {"interrupted", false},
          {"seconds", 2.0}, {"cpu_seconds", 1.0},
          {"echoes", 3000}, {"latency_seconds", {{"p50", 0.001}, {"p99", 0.002}}}};
}

LoadEnd end_with(int code, const std::string& output, const nlohmann::json& report) {
  LoadEnd end;
  end.exit_code = code;
  end.ending = "exited with code " + std::to_string(code);
  end.output = output;
  end.report = report.dump();
  return end;
}

LoadEnd good_end() { return end_with(0, "rate 1500\nok: every byte came back\n", good_report()); }

/// A good end, but for that value in its report.
std::string complaint_with(const char* key, const nlohmann::json& value) {
  auto report = good_report();
  report[key] = value;
  const auto run = read_run(end_with(0, "ok: every byte came back\n", report));
  EXPECT_EQ(run.ok, run.complaint.empty());
  return run.complaint;
}

TEST(ReadRun, TakesTheFiguresFromTheReport) {
  const auto run = read_run(good_end());
  EXPECT_TRUE(run.ok);
  EXPECT_EQ(run.complaint, "");
  EXPECT_EQ(run.rate, 1500);
  EXPECT_EQ(run.client_busy, 0.5);
  EXPECT_EQ(run.p99, 0.002);
}

// Connections that were refused or reset, with every byte right on the others.
TEST(ReadRun, ALoadGeneratorThatFailsIsQuotedByTheLastLineOfItsOutput) {
  auto report = good_report();
  report["ok"] = false;
  const auto run = read_run(end_with(1, "rate 1500\nFAILED: 3 refused, 2 reset\n\n", report));
  EXPECT_FALSE(run.ok);
  EXPECT_EQ(run.complaint, "FAILED: 3 refused, 2 reset");
}

TEST(ReadRun, AFailedRunKeepsItsFiguresForTheRecord) {
  const auto run = read_run(end_with(1, "FAILED: 2 reset\n", good_report()));
  EXPECT_FALSE(run.ok);
  EXPECT_EQ(run.rate, 1500);
}

TEST(ReadRun, AReportThatDoesNotSayOkFailsWhateverTheExitCode) {
  EXPECT_THAT(complaint_with("ok", false), HasSubstr("does not say ok"));
  EXPECT_THAT(complaint_with("ok", nullptr), HasSubstr("does not say ok"));
}

// It stops at once then, with exit code 0 and "ok" for the few echoes that there were.
TEST(ReadRun, ALoadThatWasInterruptedFails) {
  EXPECT_EQ(complaint_with("interrupted", true), "the load generator was interrupted");
}

TEST(ReadRun, WithoutAnEchoOrWithoutTimeThereIsNoRate) {
  EXPECT_EQ(complaint_with("echoes", 0), "not one echo within the measured time");
  EXPECT_EQ(complaint_with("seconds", 0), "not one echo within the measured time");
}

TEST(ReadRun, AReportThatIsMissingOrNotUnderstoodFails) {
  auto end = good_end();
  end.report = "";
  EXPECT_EQ(read_run(end).complaint, "the load generator wrote no report");
  EXPECT_THAT(complaint_with("echoes", "many"), HasSubstr("is not understood"));
  EXPECT_THAT(read_run(end_with(0, "ok", nlohmann::json::array())).complaint, HasSubstr("does not say ok"));
}

TEST(ReadRun, ALoadGeneratorThatWasKilledFailsAndSaysHow) {
  auto end = good_end();
  end.exit_code = std::nullopt;
  end.ending = "did not end in time and was killed";
  EXPECT_EQ(read_run(end).complaint, "the load generator did not end in time and was killed");
}

TEST(ReadRun, AnotherExitCodeIsNamedAndSilenceIsToo) {
  EXPECT_EQ(read_run(end_with(74, "cannot write\n", good_report())).complaint,
            "the load generator exited with code 74: cannot write");
  EXPECT_EQ(read_run(end_with(127, "", good_report())).complaint,
            "the load generator exited with code 127: it says nothing");
}

TEST(Excerpt, IsOneLineThatIsNotTooLong) {
  EXPECT_EQ(excerpt("one\ntwo\x1b\n\n"), "one\\ntwo\\x1b");
  EXPECT_THAT(excerpt(std::string(5000, 'x')), SizeIs(303));
  std::string cut(299, 'x');
  EXPECT_EQ(excerpt(cut + "\xc3\xa9 and more"), cut + "...");
}

}  // namespace
}  // namespace tcp_echo::bench
