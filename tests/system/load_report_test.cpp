// What tcp-echo-load says: its reports, and why it does not begin.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <ostream>
#include <sstream>

#include "system/faulty_server.hpp"
#include "system/load_run.hpp"
#include "tcp_echo/config.h"

namespace tcp_echo::test {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  lines.reserve(count_of(text, "\n") + 1);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string in_small_letters(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

Outcome run_load(std::vector<std::string> arguments, std::uint16_t port) {
  arguments.insert(arguments.begin(), {"--connections", "2", "--duration", "300ms", "--interval", "100ms"});
  arguments.push_back(on_loopback(port));
  return run(load_launch(std::move(arguments)));
}

TEST(LoadReport, OnStandardOutputIsInWords) {
  const FaultyServer server;
  const auto outcome = run_load({}, server.port());
  EXPECT_EQ(outcome.exit_code, 0) << outcome.log;
  for (const std::string word : {"echoes", "p99", "latency"})
    EXPECT_NE(in_small_letters(outcome.output).find(word), std::string::npos) << word << '\n'
                                                                              << outcome.output;
}

TEST(LoadReport, EachKindIsWrittenToItsFile) {
  const FaultyServer server;
  const Folder folder;
  const auto path = [&](const std::string& name) { return (folder / name).string(); };
  const auto outcome = run_load({"--json", path("json"), "--json-lines", path("lines"), "--histogram",
                                 path("histogram"), "--html", path("html")},
                                server.port());
  EXPECT_EQ(outcome.exit_code, 0) << outcome.log;

  const auto json = nlohmann::json::parse(content(path("json")));
  EXPECT_EQ(json.at("target"), on_loopback(server.port()));
  const auto lines = lines_of(content(path("lines")));
  EXPECT_GE(lines.size(), 2U);
  for (const auto& line : lines) EXPECT_TRUE(nlohmann::json::parse(line).is_object()) << line;
  const auto histogram = content(path("histogram"));
  EXPECT_NE(histogram.find("1/(1-Percentile)"), std::string::npos) << histogram;
  EXPECT_NE(histogram.find("#[Max"), std::string::npos) << histogram;
  const auto html = in_small_letters(content(path("html")));
  EXPECT_TRUE(html.starts_with("<!doctype html>")) << html.substr(0, 100);
  EXPECT_NE(html.find("</html>"), std::string::npos);
}

TEST(LoadReport, TheHistogramHoldsEveryEcho) {
  const FaultyServer server;
  const Folder folder;
  const auto file = (folder / "histogram").string();
  const auto result = load(server.port(), {"--connections", "2", "--duration", "300ms", "--histogram", file});
  const auto text = content(file);
  const auto count = text.find("Total count");
  ASSERT_NE(count, std::string::npos) << text;
  // What is under way when the time is over has a latency, but belongs to no rate.
  const auto late = std::stoull(text.substr(text.find('=', count) + 1)) - result.number("/echoes");
  EXPECT_LE(late, 2U) << text;
}

TEST(LoadReport, TheTimelineAddsUpToTheWhole) {
  const FaultyServer server;
  const auto result =
      load(server.port(), {"--connections", "2", "--duration", "500ms", "--interval", "100ms"});
  std::uint64_t echoes = 0;
  for (const auto& point : result.report.at("timeline")) echoes += point.at("echoes").get<std::uint64_t>();
  EXPECT_EQ(echoes, result.number("/echoes")) << result.text();
  EXPECT_GE(result.report.at("timeline").size(), 2U);
}

TEST(LoadReport, ADashTakesThePlaceOfTheWordsOnStandardOutput) {
  const FaultyServer server;
  const auto json = run_load({"--json", "-"}, server.port());
  EXPECT_EQ(nlohmann::json::parse(json.output).at("ok"), true);
  const auto lines = run_load({"--json-lines", "-"}, server.port());
  for (const auto& line : lines_of(lines.output)) EXPECT_TRUE(nlohmann::json::accept(line)) << line;
  EXPECT_GE(lines_of(lines.output).size(), 2U);
}

TEST(LoadReport, TellsWhatTheRunWasAskedFor) {
  const FaultyServer server;
  const auto result = load(server.port(), {"--connections", "2", "--duration", "100ms"});
  EXPECT_NE(result.report.at("options").dump().find("100ms"), std::string::npos) << result.text();
  EXPECT_NE(result.report.at("started").get<std::string>().find('T'), std::string::npos);
}

TEST(LoadReport, ThatCannotBeWrittenIsToldBeforeAnythingBegins) {
  const FaultyServer server;
  for (const std::string option : {"--json", "--json-lines", "--histogram", "--html"}) {
    const auto outcome = run_load({option, "/nonexistent/report"}, server.port());
    EXPECT_EQ(outcome.exit_code, 73) << option;
    EXPECT_NE(outcome.log.find("/nonexistent/report"), std::string::npos) << outcome.log;
    EXPECT_EQ(lines_of(outcome.log).size(), 1U) << outcome.log;
    EXPECT_EQ(outcome.output, "");
  }
  EXPECT_EQ(server.tally().connections, 0U);
}

TEST(LoadReport, ThatWouldOverwriteAnotherIsRefusedBeforeAnythingBegins) {
  const FaultyServer server;
  const Folder folder;
  const auto file = (folder / "same").string();
  const auto also = (folder / "./same").string();
  for (const std::string option : {"--json-lines", "--histogram", "--html"}) {
    const auto outcome = run_load({"--json", file, option, also}, server.port());
    EXPECT_EQ(outcome.exit_code, 64) << option;
    EXPECT_EQ(lines_of(outcome.log).size(), 1U) << outcome.log;
    for (const auto& part : {option + " ", "'" + also + "'", "'" + file + "'"})
      EXPECT_NE(outcome.log.find(part), std::string::npos) << outcome.log;
    EXPECT_EQ(outcome.output, "");
  }
  EXPECT_FALSE(std::filesystem::exists(file));
  EXPECT_EQ(server.tally().connections, 0U);
}

TEST(LoadReport, OnStandardOutputByAnotherNameTakesThePlaceOfTheWordsAsWell) {
  const FaultyServer server;
  const auto outcome = run_load({"--json", "/dev/stdout"}, server.port());
  EXPECT_TRUE(nlohmann::json::accept(outcome.output)) << outcome.output;
  EXPECT_NE(outcome.log.find("ok: every byte came back"), std::string::npos) << outcome.log;
}

/// Runs it with that redirection of a shell.
Outcome run_load_with(const std::string& redirection, std::vector<std::string> arguments,
                      std::uint16_t port) {
  arguments.insert(arguments.begin(), {"--connections", "2", "--duration", "200ms", "--interval", "100ms"});
  arguments.push_back(on_loopback(port));
  auto launch = load_launch(std::move(arguments));
  launch.prefix = {"/bin/sh", "-c", "exec \"$@\" " + redirection, "sh"};
  return run(std::move(launch));
}

TEST(LoadReport, InTheFileOfStandardOutputTakesThePlaceOfTheWordsAsWell) {
  const FaultyServer server;
  const Folder folder;
  const auto file = (folder / "out").string();
  const auto outcome = run_load_with("> " + file, {"--json", file}, server.port());
  EXPECT_EQ(outcome.exit_code, 0) << outcome.log;
  EXPECT_TRUE(nlohmann::json::accept(content(file))) << content(file);
  EXPECT_NE(outcome.log.find("ok: every byte came back"), std::string::npos) << outcome.log;
}

TEST(LoadReport, ThatFindsNoRoomOnStandardOutputEndsWithItsExitCode) {
  const FaultyServer server;
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{}, {"--json", "-"}, {"--json-lines", "-"}, {"--help"}, {"--version"}}) {
    const auto outcome = run_load_with("> /dev/full", arguments, server.port());
    EXPECT_EQ(outcome.exit_code, 73) << outcome.log;
    EXPECT_NE(outcome.log.find("cannot write to standard output: No space left on device\n"),
              std::string::npos)
        << outcome.log;
  }
}

TEST(LoadReport, IsToldToHaveNoStandardOutputBeforeAnythingBegins) {
  const FaultyServer server;
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{}, {"--json", "-"}, {"--json-lines", "/dev/stdout"}, {"--help"}}) {
    const auto outcome = run_load_with(">&-", arguments, server.port());
    EXPECT_EQ(outcome.exit_code, 73) << outcome.log;
    EXPECT_EQ(outcome.log, "tcp-echo-load: cannot write to standard output: Bad file descriptor\n");
  }
  EXPECT_EQ(server.tally().connections, 0U);
}

TEST(LoadReport, NeedsNoStandardError) {
  const FaultyServer server;
  for (const std::string redirection : {"2>&-", "0<&- 2>&-"}) {
    const auto outcome = run_load_with(redirection, {}, server.port());
    EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
    EXPECT_NE(outcome.output.find("ok: every byte came back"), std::string::npos) << outcome.output;
  }
  EXPECT_EQ(run_load_with("2> /dev/full", {"--json", "-"}, server.port()).exit_code, 73)
      << "the words are not where they should be";
}

struct BadLine {
  std::string name;
  std::vector<std::string> arguments;
  std::vector<std::string> parts;  ///< of what is said

  friend std::ostream& operator<<(std::ostream& stream, const BadLine& line) { return stream << line.name; }
};

class LoadUsage : public testing::TestWithParam<BadLine> {};

TEST_P(LoadUsage, IsExplainedInOneLine) {
  const auto outcome = run(load_launch(GetParam().arguments));
  EXPECT_EQ(outcome.exit_code, 64) << outcome.log;
  EXPECT_EQ(outcome.output, "");
  EXPECT_EQ(std::count(outcome.log.begin(), outcome.log.end(), '\n'), 1) << outcome.log;
  for (const auto& part : GetParam().parts)
    EXPECT_NE(outcome.log.find(part), std::string::npos) << part << " is missing in: " << outcome.log;
}

const std::string kTarget = "127.0.0.1:1";

INSTANTIATE_TEST_SUITE_P(
    Each, LoadUsage,
    testing::Values(
        BadLine{"NoTarget", {}, {"HOST:PORT"}},
        BadLine{"TwoTargets", {kTarget, "127.0.0.1:2"}, {"127.0.0.1:2", "HOST:PORT"}},
        BadLine{"NoPort", {"127.0.0.1"}, {"127.0.0.1", "HOST:PORT"}},
        BadLine{"WordForAPort", {"127.0.0.1:echo!"}, {"127.0.0.1:echo!", "HOST:PORT"}},
        BadLine{"PortTooHigh", {"127.0.0.1:65536"}, {"127.0.0.1:65536", "HOST:PORT"}},
        BadLine{"NoNumber", {"--connections", "lots", kTarget}, {"--connections", "lots", "allowed"}},
        BadLine{"NegativeNumber", {"--connections", "-1", kTarget}, {"--connections", "-1", "allowed"}},
        BadLine{"NoConnection", {"--connections", "0", kTarget}, {"--connections", "0", "--idle"}},
        BadLine{"EmptyMessage", {"--message-size", "0", kTarget}, {"--message-size", "0", "allowed"}},
        BadLine{"NoSize", {"--message-size", "big", kTarget}, {"--message-size", "big", "KiB"}},
        BadLine{"EmptyText", {"--message", "", kTarget}, {"--message", "allowed"}},
        BadLine{"NegativeRate", {"--rate", "-5", kTarget}, {"--rate", "-5", "allowed"}},
        BadLine{"EndlessRate", {"--rate", "inf", kTarget}, {"--rate", "inf", "allowed"}},
        BadLine{"EmptyPipeline", {"--pipeline", "0", kTarget}, {"--pipeline", "0", "allowed"}},
        BadLine{"NoDuration", {"--duration", "soon", kTarget}, {"--duration", "soon", "10s"}},
        BadLine{"NoInterval", {"--interval", "0", kTarget}, {"--interval", "0", "allowed"}},
        BadLine{"NoThread", {"--threads", "0", kTarget}, {"--threads", "0", "allowed"}},
        BadLine{"NoAddress", {"--source-address", "here", kTarget}, {"--source-address", "here", "127.0.0."}},
        BadLine{"RangeBackwards",
                {"--source-address", "127.0.0.9-127.0.0.2", kTarget},
                {"--source-address", "127.0.0.9-127.0.0.2", "allowed"}},
        BadLine{"SourceOfAnotherFamily", {"--source-address", "::1", kTarget}, {"--source-address", "::1"}},
        BadLine{"SizeAndText",
                {"--message", "hi", "--message-size", "5", kTarget},
                {"--message-size", "--message", "allowed"}},
        BadLine{"PipelineByTheClock",
                {"--rate", "5", "--pipeline", "2", kTarget},
                {"--pipeline", "--rate", "allowed"}},
        BadLine{
            "OneFileTwice", {"--json", "-", "--html", "-", kTarget}, {"--json '-'", "--html '-'", "allowed"}},
        BadLine{"UnknownOption", {"--colour", "red", kTarget}, {"--colour", "--help"}},
        BadLine{"MissingValue", {kTarget, "--connections"}, {"--connections", "missing"}}),
    [](const auto& each) { return each.param.name; });

TEST(LoadAnswer, VersionAndHelp) {
  const auto version = run(load_launch({"--version"}));
  EXPECT_EQ(version.output, "tcp-echo-load " TCP_ECHO_VERSION "\n");
  EXPECT_EQ(version.exit_code, 0);
  const auto help = run(load_launch({"--help"}));
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_EQ(help.log, "");
  for (const std::string option : {"--connections", "--rate", "--half-close", "--source-address", "--html"})
    EXPECT_NE(help.output.find(option), std::string::npos) << option;
}

}  // namespace
}  // namespace tcp_echo::test
