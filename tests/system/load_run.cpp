#include "system/load_run.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace tcp_echo::test {

Launch load_launch(std::vector<std::string> arguments) {
  return {.arguments = std::move(arguments), .program = built_program("tcp-echo-load")};
}

std::string on_loopback(std::uint16_t port) { return "127.0.0.1:" + std::to_string(port); }

std::uint64_t LoadResult::number(const std::string& pointer) const {
  return report.at(nlohmann::json::json_pointer(pointer)).get<std::uint64_t>();
}

double LoadResult::real(const std::string& pointer) const {
  return report.at(nlohmann::json::json_pointer(pointer)).get<double>();
}

std::string LoadResult::text() const {
  return "exit code " + std::to_string(outcome.exit_code) + "\n" + outcome.log + outcome.output +
         report.dump(2) + "\n";
}

LoadResult load(std::uint16_t port, std::vector<std::string> arguments) {
  arguments.push_back(on_loopback(port));
  return load(load_launch(std::move(arguments)));
}

LoadResult load(Launch launch) {
  const Folder folder;
  const auto file = folder / "report.json";
  launch.arguments.insert(launch.arguments.begin(), {"--json", file.string()});
  LoadResult result{.outcome = run(std::move(launch)), .report = nullptr};
  auto report = nlohmann::json::parse(content(file), nullptr, false);
  if (!report.is_discarded()) result.report = std::move(report);
  return result;
}

void expect_all_well(const LoadResult& result) {
  EXPECT_EQ(result.outcome.exit_code, 0) << result.text();
  ASSERT_TRUE(result.report.is_object()) << result.text();
  EXPECT_EQ(result.report.at("ok"), true) << result.text();
  EXPECT_GT(result.number("/echoes") + result.number("/late"), 0U) << result.text();
  EXPECT_GT(result.number("/connections/made"), 0U) << result.text();
  for (const std::string kind : {"wrong", "missing", "extra"})
    EXPECT_EQ(result.number("/bytes/" + kind), 0U) << kind << '\n' << result.text();
  for (const std::string kind : {"refused", "reset", "closed_early", "unreachable", "stuck", "without_fin",
                                 "never_made", "held_back", "not_tried"})
    EXPECT_EQ(result.number("/connections/" + kind), 0U) << kind << '\n' << result.text();
  // What was sent in the warm-up may be received in the measured time.
  if (!result.report.at("options").contains("--warmup")) {
    EXPECT_LE(result.number("/bytes/received"), result.number("/bytes/sent")) << result.text();
  }
}

void expect_faults(const LoadResult& result, const ExpectedFaults& expected) {
  EXPECT_EQ(result.outcome.exit_code, 1) << result.text();
  ASSERT_TRUE(result.report.is_object()) << result.text();
  EXPECT_EQ(result.report.at("ok"), false) << result.text();
  EXPECT_EQ(result.number("/bytes/wrong"), expected.wrong) << result.text();
  EXPECT_EQ(result.number("/bytes/missing"), expected.missing) << result.text();
  EXPECT_EQ(result.number("/bytes/extra"), expected.extra) << result.text();
}

void expect_failures(const LoadResult& result, const ExpectedFailures& expected) {
  EXPECT_EQ(result.outcome.exit_code, 1) << result.text();
  ASSERT_TRUE(result.report.is_object()) << result.text();
  EXPECT_EQ(result.report.at("ok"), false) << result.text();
  EXPECT_EQ(result.number("/connections/refused"), expected.refused) << result.text();
  EXPECT_EQ(result.number("/connections/reset"), expected.reset) << result.text();
  EXPECT_EQ(result.number("/connections/closed_early"), expected.closed_early) << result.text();
  EXPECT_EQ(result.number("/connections/stuck"), expected.stuck) << result.text();
  EXPECT_EQ(result.number("/connections/unreachable"), 0U) << result.text();
}

}  // namespace tcp_echo::test
