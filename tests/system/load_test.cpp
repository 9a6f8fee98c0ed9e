// tcp-echo-load against servers that do all they should: every shape of load comes back whole.

#include <gtest/gtest.h>

#include "support/ipv6.hpp"
#include "system/daemon.hpp"
#include "system/faulty_server.hpp"
#include "system/load_run.hpp"

namespace tcp_echo::test {
namespace {

using Words = std::vector<std::string>;

/// A short load on the real daemon, which has to end well itself.
LoadResult load_on_daemon(const Words& arguments) {
  Daemon daemon(Daemon::on_free_port({"--workers", "2"}));
  auto result = load(daemon.port(), arguments);
  EXPECT_EQ(daemon.stop().exit_code, 0);
  return result;
}

TEST(Load, EveryByteComesBackAndTheFiguresFitTogether) {
  const auto result = load_on_daemon({"--connections", "8", "--duration", "500ms"});
  expect_all_well(result);
  EXPECT_EQ(result.number("/connections/made"), 8U);
  const auto echoes = result.number("/echoes");
  constexpr std::uint64_t kMessageSize = 64;
  constexpr std::uint64_t kUnderWay = 8 * kMessageSize;
  EXPECT_GE(result.number("/bytes/received") + kUnderWay, echoes * kMessageSize) << result.text();
  EXPECT_GE(result.number("/bytes/received") + kUnderWay, result.number("/bytes/sent")) << result.text();
  EXPECT_GE(result.real("/seconds"), 0.5);
  EXPECT_GE(result.real("/cpu_seconds"), 0);
  EXPECT_NEAR(result.real("/rates/echoes_per_second") * result.real("/seconds"), static_cast<double>(echoes),
              static_cast<double>(echoes) / 100);
  EXPECT_EQ(result.number("/skipped"), 0U);
  EXPECT_EQ(result.report.at("interrupted"), false);
}

TEST(Load, LatenciesRiseWithThePercentile) {
  const auto result = load_on_daemon({"--connections", "4", "--duration", "300ms"});
  expect_all_well(result);
  double last = 0;
  for (const std::string name : {"min", "p50", "p90", "p99", "p99.9", "max"}) {
    const auto latency = result.real("/latency_seconds/" + name);
    EXPECT_GE(latency, last) << name << '\n' << result.text();
    last = latency;
  }
  EXPECT_GT(result.real("/latency_seconds/min"), 0);
  EXPECT_GE(result.real("/latency_seconds/mean"), result.real("/latency_seconds/min") * 0.99);
  EXPECT_LE(result.real("/latency_seconds/mean"), result.real("/latency_seconds/max") * 1.01);
}

TEST(Load, ConnectionsThatCloseForWritingFirstGetEverythingAndFin) {
  const auto result = load_on_daemon(
      {"--connections", "4", "--messages", "5", "--half-close", "--pipeline", "3", "--duration", "300ms"});
  expect_all_well(result);
  EXPECT_GT(result.number("/connections/made"), 4U);
}

TEST(Load, AHalfCloseAtTheEndOfTheRunLosesNothing) {
  const FaultyServer server;
  const auto result = load(server.port(), {"--connections", "4", "--half-close", "--message-size", "64KiB",
                                           "--pipeline", "8", "--duration", "200ms"});
  expect_all_well(result);
  EXPECT_EQ(server.tally().sent, server.tally().received);
}

TEST(Load, AfterSoManyMessagesAConnectionIsMadeAnew) {
  const FaultyServer server;
  const auto result = load(server.port(), {"--connections", "2", "--messages", "3", "--duration", "300ms"});
  expect_all_well(result);
  const auto tally = server.tally();
  EXPECT_GT(tally.connections, 2U);
  EXPECT_EQ(result.number("/connections/made"), tally.connections);
  EXPECT_LE(tally.received, tally.connections * 3 * 64);
  EXPECT_GE(tally.received, (tally.connections - 2) * 3 * 64) << "all but the last two lived to their end";
}

TEST(Load, AfterItsLifetimeAConnectionIsMadeAnew) {
  const auto result = load_on_daemon({"--connections", "2", "--lifetime", "50ms", "--duration", "1s"});
  expect_all_well(result);
  EXPECT_GE(result.number("/connections/made"), 4U);
  EXPECT_LE(result.number("/connections/made"), 2U * 22);
}

TEST(Load, SeveralMessagesAreUnderWayAtOnce) {
  // The server answers two messages at a time, so one alone would never come back.
  const FaultyServer server({.fault = Fault::kSwap, .position = 0, .size = 64});
  const auto result = load(
      server.port(), {"--connections", "1", "--pipeline", "2", "--messages", "2", "--duration", "200ms"});
  EXPECT_GT(server.tally().mistakes, 0U) << result.text();
  expect_all_well(load_on_daemon({"--connections", "4", "--pipeline", "16", "--duration", "300ms"}));
}

class LoadOfSize : public testing::TestWithParam<const char*> {};

TEST_P(LoadOfSize, ComesBackWhole) {
  const auto result =
      load_on_daemon({"--connections", "3", "--message-size", GetParam(), "--duration", "300ms"});
  expect_all_well(result);
}

INSTANTIATE_TEST_SUITE_P(Each, LoadOfSize, testing::Values("1", "17", "64KiB", "1MiB"),
                         [](const auto& each) { return std::string(each.param); });

TEST(Load, ATextIsSentAsItIs) {
  const FaultyServer server;
  const auto result = load(server.port(), {"--connections", "1", "--message", R"(hello\n)", "--messages", "2",
                                           "--duration", "100ms"});
  expect_all_well(result);
  EXPECT_TRUE(server.tally().beginning.starts_with("hello\nhello\n")) << server.tally().beginning;
}

TEST(Load, ByTheClockAsManyMessagesGoOutAsTheRateSays) {
  const auto result = load_on_daemon({"--connections", "5", "--rate", "100", "--duration", "1s"});
  expect_all_well(result);
  EXPECT_GE(result.number("/echoes"), 250U) << result.text();
  EXPECT_LE(result.number("/echoes"), 510U) << result.text();
  EXPECT_EQ(result.report.at("own_limits"), nlohmann::json::array());
}

TEST(Load, ALowRateIsKeptBetweenTheConnections) {
  const FaultyServer server;
  const auto result = load(server.port(), {"--connections", "10", "--rate", "1", "--duration", "2s"});
  expect_all_well(result);
  EXPECT_GE(server.tally().received, 10U * 64) << result.text();
  EXPECT_LE(server.tally().received, 30U * 64) << result.text();
}

TEST(Load, ByTheClockTheScheduleOutlivesAConnection) {
  // Half of the connections have their first message only after the end of their first life.
  const auto result =
      load_on_daemon({"--connections", "4", "--rate", "4", "--lifetime", "100ms", "--duration", "1500ms"});
  expect_all_well(result);
  EXPECT_GE(result.number("/echoes"), 18U) << "a half of 24 would be without those\n" << result.text();
  EXPECT_LE(result.number("/echoes"), 28U) << result.text();
  EXPECT_EQ(result.number("/skipped"), 0U) << result.text();
}

TEST(Load, TwoThreadsShareTheConnections) {
  const auto result = load_on_daemon({"--connections", "5", "--threads", "2", "--duration", "300ms"});
  expect_all_well(result);
  EXPECT_EQ(result.number("/threads"), 2U);
  EXPECT_EQ(result.number("/connections/made"), 5U);
}

TEST(Load, MoreThreadsThanConnectionsAreNoObstacle) {
  const auto result = load_on_daemon({"--connections", "2", "--threads", "4", "--duration", "200ms"});
  expect_all_well(result);
  EXPECT_EQ(result.number("/connections/made"), 2U);
}

TEST(Load, ConnectionsComeFromAllSourceAddresses) {
  const FaultyServer server;
  const auto result = load(server.port(), {"--connections", "8", "--source-address", "127.0.0.2-127.0.0.4",
                                           "--source-address", "127.0.0.9", "--duration", "200ms"});
  expect_all_well(result);
  EXPECT_EQ(server.tally().peers,
            (std::set<std::string>{"127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.9"}));
}

TEST(Load, IdleConnectionsSayNothing) {
  const FaultyServer server;
  const auto result = load(server.port(), {"--connections", "2", "--idle", "20", "--duration", "300ms"});
  expect_all_well(result);
  EXPECT_EQ(server.tally().connections, 22U);
  EXPECT_EQ(server.tally().speakers, 2U);
}

TEST(Load, IdleConnectionsAloneAreARunAsWell) {
  const FaultyServer server;
  const auto result = load(server.port(), {"--connections", "0", "--idle", "5", "--duration", "200ms"});
  EXPECT_EQ(result.outcome.exit_code, 0) << result.text();
  EXPECT_EQ(server.tally().connections, 5U);
  EXPECT_EQ(server.tally().received, 0U);
}

TEST(Load, ConnectionsAreMadeNoFasterThanAsked) {
  const FaultyServer server;
  const auto result =
      load(server.port(), {"--connections", "100", "--connect-rate", "10", "--duration", "1s"});
  EXPECT_EQ(result.outcome.exit_code, 0) << result.text();
  EXPECT_LE(server.tally().connections, 15U);
}

TEST(Load, SlowReadersReadNoFasterThanAsked) {
  const auto result = load_on_daemon({"--connections", "2", "--slow-reader", "64KiB", "--message-size",
                                      "16KiB", "--pipeline", "4", "--duration", "1s", "--wait", "15s"});
  expect_all_well(result);
  constexpr std::uint64_t kWanted = 2UL * 64 * 1024;
  EXPECT_LE(result.number("/bytes/received"), 3 * kWanted) << result.text();
  EXPECT_GE(result.number("/bytes/received"), kWanted / 4) << result.text();
}

TEST(Load, WhatHappensInTheWarmUpIsNotMeasured) {
  const FaultyServer server;
  const auto result =
      load(server.port(), {"--connections", "2", "--rate", "100", "--warmup", "1s", "--duration", "500ms"});
  expect_all_well(result);
  const auto messages = server.tally().received / 64;
  EXPECT_GT(messages, 50U) << result.text();
  EXPECT_LE(result.number("/echoes"), messages * 7 / 10) << "a third is to be expected\n" << result.text();
  EXPECT_LE(result.number("/bytes/sent"), server.tally().received * 7 / 10) << result.text();
  EXPECT_LT(result.real("/seconds"), 1) << result.text();
}

TEST(Load, ReachesAServerByIpv6) {
  if (!has_ipv6_loopback()) GTEST_SKIP() << "there is no ::1 here";
  Daemon daemon({{"--listen", "[::1]:0", "--workers", "1"}});
  const auto target = "[::1]:" + std::to_string(daemon.port());
  const auto result = load(load_launch({"--connections", "2", "--duration", "200ms", target}));
  expect_all_well(result);
  EXPECT_EQ(result.report.at("target"), target);
  EXPECT_EQ(result.report.at("address"), target);
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(Load, ReachesAServerByName) {
  Daemon daemon({{"--port", "0", "--workers", "1"}});
  const auto port = ":" + std::to_string(daemon.port());
  const auto result = load(load_launch({"--connections", "2", "--duration", "200ms", "localhost" + port}));
  expect_all_well(result);
  EXPECT_EQ(result.report.at("target"), "localhost" + port);
  const auto address = result.report.at("address").get<std::string>();
  EXPECT_TRUE(address == "127.0.0.1" + port || address == "[::1]" + port) << address;
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

}  // namespace
}  // namespace tcp_echo::test
