#include "tcp_echo/load/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <regex>
#include <string_view>

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

const std::string kSomeTarget = "127.0.0.1:8090";

/// The plan of a command line that must be right.
LoadPlan plan_of(std::vector<std::string> arguments) {
  arguments.push_back(kSomeTarget);
  const auto command = read_load_command(arguments);
  EXPECT_TRUE(command) << (command ? "" : command.error().text);
  return command ? command->plan : LoadPlan{};
}

/// Why a command line is refused.
std::string refusal_of(std::vector<std::string> arguments) {
  arguments.push_back(kSomeTarget);
  const auto command = read_load_command(arguments);
  if (command) return "it is not refused";
  EXPECT_EQ(command.error().code, ExitCode::kUsage);
  return command.error().text;
}

std::vector<std::string> texts_of(const std::vector<Endpoint>& endpoints) {
  std::vector<std::string> texts;
  texts.reserve(endpoints.size());
  for (const auto& endpoint : endpoints) texts.push_back(endpoint.text());
  return texts;
}

TEST(LoadPlanText, SetsWhatEachOptionIsAbout) {
  const auto plan = plan_of({"--connections",
                             "7",
                             "--connect-rate",
                             "12.5",
                             "--message-size",
                             "16KiB",
                             "--rate",
                             "0.5",
                             "--messages",
                             "3",
                             "--lifetime",
                             "2s",
                             "--idle",
                             "9",
                             "--half-close",
                             "--slow-reader",
                             "1MiB",
                             "--duration",
                             "1m",
                             "--warmup",
                             "250ms",
                             "--wait",
                             "0",
                             "--catch-up",
                             "3s",
                             "--threads",
                             "4",
                             "--interval",
                             "100ms"});
  EXPECT_EQ(plan.target, kSomeTarget);
  EXPECT_EQ(plan.connections, 7U);
  EXPECT_EQ(plan.connect_rate, 12.5);
  EXPECT_EQ(plan.message_size, 16384U);
  EXPECT_EQ(plan.rate, 0.5);
  EXPECT_TRUE(plan.is_open_loop());
  EXPECT_EQ(plan.messages, 3U);
  EXPECT_EQ(plan.lifetime, 2s);
  EXPECT_EQ(plan.idle, 9U);
  EXPECT_TRUE(plan.half_close);
  EXPECT_EQ(plan.slow_reader, 1024U * 1024);
  EXPECT_EQ(plan.duration, 1min);
  EXPECT_EQ(plan.warmup, 250ms);
  EXPECT_EQ(plan.wait, 0ms);
  EXPECT_EQ(plan.catch_up, 3s);
  EXPECT_EQ(plan.threads, 4U);
  EXPECT_EQ(plan.interval, 100ms);
}

TEST(LoadPlanText, SetsWhereReportsGo) {
  const auto plan = plan_of({"--json", "a", "--json-lines", "b", "--histogram", "c", "--html", "d"});
  EXPECT_EQ(plan.json, "a");
  EXPECT_EQ(plan.json_lines, "b");
  EXPECT_EQ(plan.histogram, "c");
  EXPECT_EQ(plan.html, "d");
  EXPECT_FALSE(plan.uses_standard_output());
  EXPECT_TRUE(plan_of({"--html", "-"}).uses_standard_output());
}

TEST(LoadPlanText, ATextGivesTheSizeOfAMessage) {
  const auto plan = plan_of({"--message", R"(two\nlines\\)"});
  EXPECT_EQ(plan.message, "two\nlines\\");
  EXPECT_EQ(plan.message_size, plan.message.size());
}

TEST(LoadPlanText, PipelineIsForTheClosedLoop) {
  const auto plan = plan_of({"--pipeline", "8"});
  EXPECT_EQ(plan.pipeline, 8U);
  EXPECT_FALSE(plan.is_open_loop());
}

TEST(LoadPlanText, RangesOfSourcesAddUp) {
  const auto v4 = plan_of({"--source-address", "127.0.0.254-127.0.1.1", "--source-address", "127.0.0.9"});
  EXPECT_THAT(texts_of(v4.sources),
              ElementsAre("127.0.0.254:0", "127.0.0.255:0", "127.0.1.0:0", "127.0.1.1:0", "127.0.0.9:0"));
  const auto v6 = plan_of({"--source-address", "fd00::ffff-fd00::1:1"});
  EXPECT_THAT(texts_of(v6.sources), ElementsAre("[fd00::ffff]:0", "[fd00::1:0]:0", "[fd00::1:1]:0"));
}

TEST(LoadPlanText, SourcesMayBeManyButNotAnyNumber) {
  EXPECT_EQ(plan_of({"--source-address", "127.0.0.0-127.0.255.255"}).sources.size(), 65'536U);
  EXPECT_THAT(refusal_of({"--source-address", "127.0.0.0-127.1.0.0"}), HasSubstr("65536"));
  EXPECT_THAT(refusal_of({"--source-address", "fd00::1-fd01::2"}), HasSubstr("allowed"));
}

TEST(LoadPlanText, OptionsAreReportedAsTheyWereGiven) {
  const auto command = read_load_command({"--rate", "5", kSomeTarget, "--duration=1000ms", "--half-close"});
  ASSERT_TRUE(command);
  EXPECT_EQ(command->action, LoadAction::kRun);
  EXPECT_THAT(command->options,
              ElementsAre(Pair("--rate", "5"), Pair("--duration", "1000ms"), Pair("--half-close", "")));
}

TEST(LoadPlanText, ChangesNothingThatIsNotGiven) {
  const LoadPlan expected;
  const auto plan = plan_of({});
  EXPECT_EQ(plan.message, "");
  EXPECT_EQ(plan.half_close, expected.half_close);
  EXPECT_TRUE(plan.sources.empty());
  EXPECT_TRUE(plan.json.empty() && plan.json_lines.empty() && plan.histogram.empty() && plan.html.empty());
}

TEST(LoadPlanText, TheLastOfARepeatedOptionCounts) {
  const auto command = read_load_command({"--threads", "2", "--threads=3", kSomeTarget});
  ASSERT_TRUE(command);
  EXPECT_EQ(command->plan.threads, 3U);
  EXPECT_THAT(command->options, ElementsAre(Pair("--threads", "2"), Pair("--threads", "3")));
}

// As getopt_long(3) has it; what is reported is the whole name.
TEST(LoadPlanText, NamesMayBeCutAsLongAsTheyAreClear) {
  const auto command = read_load_command({"--dur", "5s", "--half", kSomeTarget});
  ASSERT_TRUE(command);
  EXPECT_EQ(command->plan.duration, 5s);
  EXPECT_THAT(command->options, ElementsAre(Pair("--duration", "5s"), Pair("--half-close", "")));
  EXPECT_EQ(plan_of({"--json", "a"}).json, "a") << "the whole name of one is the beginning of another";
  for (const std::string cut : {"--con", "--mess", "--js", "--h", "--i"}) {
    EXPECT_THAT(refusal_of({cut, "1"}), testing::StartsWith("command line: '" + cut + "' ")) << cut;
  }
}

TEST(LoadPlanText, BehindTwoDashesNothingIsAnOption) {
  const auto command = read_load_command({"--threads", "2", "--", "--rate"});
  ASSERT_TRUE(command);
  EXPECT_EQ(command->plan.target, "--rate");
}

class LoadNoOption : public testing::TestWithParam<std::string> {};

TEST_P(LoadNoOption, IsNamed) {
  const auto refusal = testing::AllOf(testing::StartsWith("command line: '" + GetParam() + "' is not an"),
                                      HasSubstr("; allowed: those of --help"));
  EXPECT_THAT(refusal_of({GetParam()}), refusal);
  EXPECT_THAT(refusal_of({GetParam(), "--rate", "5"}), refusal);
  EXPECT_THAT(refusal_of({"--idle=3", GetParam()}), refusal);
  EXPECT_THAT(refusal_of({"--idle", "3", GetParam(), "--rate", "5"}), refusal);
  EXPECT_THAT(refusal_of({"another:7", GetParam()}), refusal);
}

INSTANTIATE_TEST_SUITE_P(Each, LoadNoOption,
                         testing::Values("--colour", "--colour=red", "--half-close=yes", "--help=x", "-c",
                                         "-c50", "-help", "-hV", "---rate"));

TEST(LoadPlanText, AMissingValueIsNamed) {
  for (const auto& before : std::vector<std::vector<std::string>>{{}, {kSomeTarget}, {"--idle", "3"}}) {
    auto arguments = before;
    arguments.emplace_back("--threads");
    const auto command = read_load_command(arguments);
    ASSERT_FALSE(command);
    EXPECT_EQ(command.error().code, ExitCode::kUsage);
    EXPECT_THAT(command.error().text, testing::StartsWith("--threads: the value is missing; allowed: "));
  }
}

TEST(LoadPlanText, HasOneTarget) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{{}, {"--idle", "3"}, {"--"}}) {
    const auto none = read_load_command(arguments);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, ExitCode::kUsage);
    EXPECT_THAT(none.error().text, HasSubstr("target is missing; allowed: HOST:PORT"));
  }
  EXPECT_THAT(refusal_of({"one:1", "--idle", "3", "two:2"}),
              testing::StartsWith("'two:2' is one target too"));
}

TEST(LoadPlanText, RefusalsAreOneLine) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"--threads", "two\nlines"}, {"--two\nlines"}, {"one:1", "two\nlines"}}) {
    EXPECT_THAT(refusal_of(arguments),
                testing::AllOf(HasSubstr(R"(two\nlines)"), testing::Not(HasSubstr("\n"))));
  }
}

TEST(LoadPlanText, SourcesKeepTheScopeOfALinkLocalAddress) {
  EXPECT_THAT(texts_of(plan_of({"--source-address", "fe80::1%lo-fe80::2%lo"}).sources),
              ElementsAre("[fe80::1%lo]:0", "[fe80::2%lo]:0"));
}

TEST(LoadPlanText, VersionAndHelpNeedNothingElse) {
  EXPECT_EQ(read_load_command({"--version"})->action, LoadAction::kVersion);
  EXPECT_EQ(read_load_command({"--help", "--nonsense"})->action, LoadAction::kHelp);
  EXPECT_EQ(read_load_command({"-h"})->action, LoadAction::kHelp);
  EXPECT_EQ(read_load_command({"--idle", "3", "-V"})->action, LoadAction::kVersion);
  EXPECT_EQ(plan_of({"--message", "-h"}).message, "-h");
  EXPECT_EQ(read_load_command({"one:1", "two:2", "--idle", "3", "--version"})->action, LoadAction::kVersion);
  EXPECT_THAT(refusal_of({"--threads", "0", "--help"}), HasSubstr("--threads"))
      << "what stands before counts";
}

TEST(LoadPlanText, WhatOnlyLooksLikeAContradictionIsNot) {
  EXPECT_EQ(plan_of({"--connections", "0", "--idle", "1"}).idle, 1U);
  EXPECT_EQ(plan_of({"--pipeline", "2", "--rate", "0"}).pipeline, 2U);
  EXPECT_EQ(plan_of({"--pipeline", "65536", "--message-size", "16KiB"}).pipeline, 65536U) << "1GiB";
}

struct Refused {
  std::string option;
  std::string value;

  friend std::ostream& operator<<(std::ostream& stream, const Refused& refused) {
    return stream << refused.option << ' ' << refused.value;
  }
};

class LoadPlanRefuses : public testing::TestWithParam<Refused> {};

TEST_P(LoadPlanRefuses, AndSaysWhatIsAllowed) {
  const auto [option, value] = GetParam();
  EXPECT_THAT(refusal_of({option, value}),
              testing::AllOf(testing::StartsWith(option + ": "), HasSubstr("'" + value + "'"),
                             HasSubstr("; allowed: ")));
}

INSTANTIATE_TEST_SUITE_P(
    Each, LoadPlanRefuses,
    testing::Values(Refused{"--connections", "10000001"}, Refused{"--connections", "1.5"},
                    Refused{"--connections", ""}, Refused{"--connect-rate", "nan"},
                    Refused{"--connect-rate", "1e3"}, Refused{"--message-size", "1025MiB"},
                    Refused{"--message", R"(\x)"}, Refused{"--rate", "0.0000001"},
                    Refused{"--rate", "1000000001"}, Refused{"--rate", "5/s"}, Refused{"--pipeline", "65537"},
                    Refused{"--messages", "-1"}, Refused{"--lifetime", "5"}, Refused{"--slow-reader", "1kB"},
                    Refused{"--duration", "400000h"}, Refused{"--threads", "1025"},
                    Refused{"--interval", "0ms"}, Refused{"--source-address", "127.0.0.1-::1"},
                    Refused{"--source-address", "127.0.0.1:80"}, Refused{"--source-address", "127.0.0.1-"},
                    Refused{"--html", ""}, Refused{"--source-address", "127.0.0.9-127.0.0.2"},
                    Refused{"--source-address", ""}, Refused{"--source-address", "-"},
                    Refused{"--source-address", "localhost"}, Refused{"--connect-rate", "-1"},
                    Refused{"--rate", "inf"}, Refused{"--rate", ""}, Refused{"--message-size", "0"},
                    Refused{"--message", ""}, Refused{"--pipeline", "0"},
                    Refused{"--messages", "18446744073709551616"}, Refused{"--idle", "10000001"},
                    Refused{"--slow-reader", "-1"}, Refused{"--warmup", "1d"}, Refused{"--wait", "1.5s"},
                    Refused{"--catch-up", "s"}, Refused{"--threads", "0"}, Refused{"--interval", "0"},
                    Refused{"--json", ""}));

TEST(LoadPlanText, WhatContradictsIsRefused) {
  EXPECT_THAT(refusal_of({"--message", "x", "--message-size", "1"}), HasSubstr("--message-size: "));
  EXPECT_THAT(refusal_of({"--pipeline", "1", "--rate", "5"}), HasSubstr("--pipeline: "));
  EXPECT_THAT(refusal_of({"--connections", "0"}), HasSubstr("--connections: "));
  EXPECT_THAT(refusal_of({"--pipeline", "2", "--message-size", "1GiB"}), HasSubstr("--pipeline"));
  EXPECT_THAT(refusal_of({"--source-address", "127.0.0.2", "--source-address", "::1"}), HasSubstr("::1"));
}

TEST(LoadHelp, FitsTheTerminalAndListsTheExitCodes) {
  const auto help = load_help(80);
  std::istringstream stream(help);
  for (std::string line; std::getline(stream, line);) EXPECT_LE(line.size(), 80U) << line;
  for (const auto& entry : load_exit_codes())
    EXPECT_THAT(help, HasSubstr("\n  " + std::string(entry.name) + "  "));
}

TEST(LoadHelp, NamesTheDefaults) {
  // "--idle N   further connections (default 0)": giving that must change nothing.
  const std::regex entry(R"(\n  (--[a-z-]+) [^\n]*(?:\n {10,}[^\n]*)*?\(default ([^)]+)\))");
  const auto help = load_help(80);
  std::size_t entries = 0;
  const LoadPlan expected;
  for (std::sregex_iterator found(help.begin(), help.end(), entry), end; found != end; ++found, ++entries) {
    const auto plan = plan_of({(*found)[1], (*found)[2]});
    SCOPED_TRACE((*found)[1]);
    EXPECT_EQ(plan.connections, expected.connections);
    EXPECT_EQ(plan.connect_rate, expected.connect_rate);
    EXPECT_EQ(plan.message_size, expected.message_size);
    EXPECT_EQ(plan.rate, expected.rate);
    EXPECT_EQ(plan.pipeline, expected.pipeline);
    EXPECT_EQ(plan.messages, expected.messages);
    EXPECT_EQ(plan.lifetime, expected.lifetime);
    EXPECT_EQ(plan.idle, expected.idle);
    EXPECT_EQ(plan.slow_reader, expected.slow_reader);
    EXPECT_EQ(plan.duration, expected.duration);
    EXPECT_EQ(plan.warmup, expected.warmup);
    EXPECT_EQ(plan.wait, expected.wait);
    EXPECT_EQ(plan.catch_up, expected.catch_up);
    EXPECT_EQ(plan.threads, expected.threads);
    EXPECT_EQ(plan.interval, expected.interval);
  }
  EXPECT_EQ(entries, 15U);
}

}  // namespace
}  // namespace tcp_echo::test
