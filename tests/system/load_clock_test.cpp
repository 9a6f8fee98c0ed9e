// By the clock every message that was due is in the report, whatever became of the connection that it was
// for.

#include <gtest/gtest.h>

#include <future>
#include <ostream>

#include "system/faulty_server.hpp"
#include "system/load_run.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;
using Words = std::vector<std::string>;

struct Circumstances {
  std::string name;
  Mistake mistake;
  int backlog = SOMAXCONN;
};
void PrintTo(const Circumstances& circumstances, std::ostream* stream) { *stream << circumstances.name; }

constexpr std::uint64_t kFew = 3;
constexpr std::uint64_t kMany = 140;  // more than may connect at one time

/// Every way in which connections end and begin.
std::vector<Words> ways_to_live() {
  std::vector<Words> ways;
  for (const Words& lifetime : {Words{}, Words{"--lifetime", "120ms"}}) {
    for (const Words& messages : {Words{}, Words{"--messages", "4"}}) {
      for (const Words& half_close : {Words{}, Words{"--half-close"}}) {
        auto& way = ways.emplace_back(lifetime);
        way.insert(way.end(), messages.begin(), messages.end());
        way.insert(way.end(), half_close.begin(), half_close.end());
      }
    }
  }
  return ways;
}

struct Tried {
  LoadResult result;
  double due;  ///< as many are to be expected, about
};

/// Half a second of a server like that.
Tried load_in(const Circumstances& circumstances, Words arguments, std::uint64_t connections) {
  const bool is_few = connections == kFew;
  arguments.insert(arguments.end(), {"--connections", std::to_string(connections), "--rate",
                                     is_few ? "100" : "8", "--duration", "500ms", "--wait", "800ms"});
  const FaultyServer server(circumstances.mistake, circumstances.backlog);
  return {load(server.port(), std::move(arguments)),
          static_cast<double>(connections) * 0.5 * (is_few ? 100 : 8)};
}

std::vector<Tried> load_in_all_ways(const Circumstances& circumstances) {
  std::vector<std::future<Tried>> runs;
  for (const auto connections : {kFew, kMany}) {
    for (const auto& way : ways_to_live())
      runs.push_back(std::async(std::launch::async, load_in, circumstances, way, connections));
  }
  std::vector<Tried> tried;
  tried.reserve(runs.size());
  for (auto& run : runs) tried.push_back(run.get());
  return tried;
}

class LoadByTheClock : public testing::TestWithParam<Circumstances> {};

TEST_P(LoadByTheClock, BooksEachMessageThatWasDueOnce) {
  for (const auto& [result, due] : load_in_all_ways(GetParam())) {
    ASSERT_TRUE(result.report.is_object()) << result.text();
    const auto booked = result.number("/echoes") + result.number("/late") + result.number("/skipped") +
                        result.number("/lost");
    EXPECT_EQ(booked, result.number("/due")) << result.text();
    // On a busy machine connections, and with them their clocks, begin late.
    EXPECT_GE(static_cast<double>(result.number("/due")), due / 4) << result.text();
    EXPECT_LE(static_cast<double>(result.number("/due")), due * 3 / 2) << result.text();
  }
}

INSTANTIATE_TEST_SUITE_P(
    OfAServerThat, LoadByTheClock,
    testing::Values(Circumstances{"IsSound", {}},
                    Circumstances{"Stalls", {.fault = Fault::kPause, .position = 640, .time = 900ms}},
                    Circumstances{"Dies", {.fault = Fault::kDie, .position = 640}},
                    Circumstances{"AcceptsLate", {.fault = Fault::kPause, .time = 900ms}, 1},
                    Circumstances{"NeverAnswers", {.fault = Fault::kPause, .time = 60s}}),
    [](const auto& each) { return each.param.name; });

/// A server that stands still from soon after the beginning until long after the end.
LoadResult load_on_stalled(Words arguments) {
  const FaultyServer server({.fault = Fault::kPause, .position = 640, .time = 1s});
  arguments.insert(arguments.end(), {"--connections", "2", "--rate", "100", "--duration", "500ms"});
  return load(server.port(), std::move(arguments));
}

class LoadThroughAStall : public testing::TestWithParam<Words> {};

TEST_P(LoadThroughAStall, IsLateWhateverConnectionsLiveFor) {
  const auto result = load_on_stalled(GetParam());
  EXPECT_GE(result.real("/latency_seconds/p50"), 0.5) << "half of them waited for most of it\n"
                                                      << result.text();
  EXPECT_GE(result.real("/latency_seconds/max") - result.real("/latency_seconds/min"), 0.25)
      << "each waited from when it was due\n"
      << result.text();
  EXPECT_EQ(result.number("/lost"), 0U) << result.text();
  EXPECT_EQ(result.outcome.exit_code, 0) << result.text();
}

INSTANTIATE_TEST_SUITE_P(Each, LoadThroughAStall,
                         testing::Values(Words{}, Words{"--lifetime", "100ms"}, Words{"--messages", "20"},
                                         Words{"--messages", "20", "--half-close"}));

TEST(LoadOnADeadServer, CountsWhatWasDueAfterItsDeath) {
  const FaultyServer server({.fault = Fault::kDie, .position = 10UL * 64});
  const auto result =
      load(server.port(), {"--connections", "1", "--rate", "100", "--duration", "500ms", "--wait", "300ms"});
  EXPECT_EQ(result.outcome.exit_code, 1);
  EXPECT_GE(result.number("/due"), 25U) << result.text();
  EXPECT_LE(result.number("/echoes"), 11U) << result.text();
  EXPECT_GE(result.real("/latency_seconds/p50"), 0.3) << result.text();
}

TEST(LoadByTheClockAtAPace, OfItsOwnThatMakesMessagesLateSaysSo) {
  const FaultyServer server;
  const auto result = load(server.port(), {"--connections", "10", "--rate", "50", "--lifetime", "50ms",
                                           "--connect-rate", "40", "--duration", "600ms"});
  EXPECT_EQ(result.outcome.exit_code, 0) << result.text();
  EXPECT_NE(result.report.at("own_limits").dump().find("to be made anew"), std::string::npos)
      << result.text();
}

TEST(LoadByTheClockInTheWarmUp, IsInNoFigure) {
  const FaultyServer server({.fault = Fault::kPause, .position = 640, .time = 400ms});
  const auto result = load(
      server.port(), {"--connections", "2", "--rate", "100", "--warmup", "500ms", "--duration", "300ms"});
  expect_all_well(result);
  EXPECT_EQ(result.number("/due"), result.number("/echoes") + result.number("/late")) << result.text();
  EXPECT_LE(result.number("/due"), 62U) << result.text();
}

}  // namespace
}  // namespace tcp_echo::test
