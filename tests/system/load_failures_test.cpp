// tcp-echo-load against servers that end connections, keep it waiting, or are not there.

#include <gtest/gtest.h>

#include "system/faulty_server.hpp"
#include "system/load_run.hpp"
#include "tcp_echo/net/listening_socket.hpp"

namespace tcp_echo::test {
namespace {

constexpr std::uint64_t kSize = 64;
constexpr std::uint64_t kTenMessages = 10 * kSize;
constexpr std::chrono::milliseconds kStall{500};

TEST(LoadFailures, FinAmongTheEchoesIsAnEarlyEnd) {
  const FaultyServer server(
      {.fault = Fault::kFin, .position = kTenMessages + 20, .first_connection_only = true});
  const auto result = load(server.port(), {"--connections", "3", "--duration", "300ms"});
  expect_failures(result, {.closed_early = 1});
  expect_faults(result, {.missing = kSize - 20});
}

TEST(LoadFailures, ResetIsCountedAndWhatDidNotComeIsMissing) {
  const FaultyServer server(
      {.fault = Fault::kReset, .position = kTenMessages, .first_connection_only = true});
  const auto result = load(server.port(), {"--connections", "3", "--duration", "300ms"});
  expect_failures(result, {.reset = 1});
  expect_faults(result, {.missing = kSize});
}

TEST(LoadFailures, WhatCameBeforeAResetIsNotMissing) {
  const FaultyServer server(
      {.fault = Fault::kReset, .position = kTenMessages + 20, .first_connection_only = true});
  const auto result = load(server.port(), {"--connections", "3", "--duration", "300ms"});
  expect_failures(result, {.reset = 1});
  expect_faults(result, {.missing = kSize - 20});
}

TEST(LoadFailures, AServerThatFallsSilentLeavesEveryConnectionStuck) {
  const FaultyServer server({.fault = Fault::kHang, .position = kTenMessages + 20});
  const auto begin = Clock::now();
  const auto result = load(server.port(), {"--connections", "3", "--duration", "300ms", "--wait", "300ms"});
  EXPECT_LT(since(begin), std::chrono::seconds(10));
  expect_failures(result, {.stuck = 3});
  expect_faults(result, {.missing = 3 * (kSize - 20)});
  EXPECT_EQ(result.number("/echoes"), 3U * 10);
}

TEST(LoadFailures, OfASilentServerEveryMessageByTheClockIsMissing) {
  const FaultyServer server({.fault = Fault::kHang, .position = kTenMessages});
  const auto result =
      load(server.port(), {"--connections", "2", "--rate", "100", "--duration", "500ms", "--wait", "300ms"});
  expect_failures(result, {.stuck = 2});
  expect_faults(result, {.missing = result.number("/bytes/sent") - 2 * kTenMessages});
  EXPECT_GE(result.number("/bytes/missing"), 2 * kSize);
}

TEST(LoadFailures, AServerThatDoesNotAnswerFinLeavesConnectionsStuck) {
  const FaultyServer server({.fault = Fault::kKeepOpen});
  const auto result =
      load(server.port(), {"--connections", "3", "--half-close", "--duration", "200ms", "--wait", "300ms"});
  expect_failures(result, {.stuck = 3});
  expect_faults(result, {});
}

TEST(LoadFailures, APortNobodyListensOnIsCountedForEachConnection) {
  const auto bound = bind_listener(*Endpoint::parse("127.0.0.1:0"), {.backlog = 1});
  ASSERT_TRUE(bound);
  const auto port = local_endpoint(bound->get())->port();
  const auto result = load(port, {"--connections", "3", "--duration", "300ms"});
  EXPECT_EQ(result.outcome.exit_code, 1) << result.text();
  EXPECT_GE(result.number("/connections/refused"), 3U) << result.text();
  EXPECT_EQ(result.number("/connections/made"), 0U);
  EXPECT_EQ(result.number("/echoes"), 0U);
  EXPECT_EQ(result.report.at("ok"), false);
}

TEST(LoadFailures, WithTooFewDescriptorsOfItsOwnItSaysSo) {
  const FaultyServer server;
  auto launch = load_launch({"--connections", "100", "--duration", "300ms", on_loopback(server.port())});
  launch.open_files = 40;
  const auto result = load(std::move(launch));
  EXPECT_EQ(result.outcome.exit_code, 1) << result.text();
  EXPECT_EQ(result.report.at("ok"), false);
  EXPECT_GT(result.number("/connections/made"), 0U);
  EXPECT_GE(result.number("/connections/not_tried"), 60U) << result.text();
  EXPECT_EQ(result.number("/connections/made") + result.number("/connections/not_tried"), 100U);
  EXPECT_NE(result.report.at("own_limits").dump().find("descriptor"), std::string::npos) << result.text();
  EXPECT_NE(result.outcome.output.find("descriptor"), std::string::npos) << result.outcome.output;
}

TEST(LoadFailures, WhatCameBeforeTheConnectionBrokeInSendingIsNotMissing) {
  // It does not read while it sends, so it is a send that finds the connection broken.
  const FaultyServer server({.fault = Fault::kReset, .position = kTenMessages});
  const auto result = load(server.port(), {"--connections", "1", "--rate", "200", "--slow-reader", "1",
                                           "--duration", "300ms", "--wait", "100ms"});
  EXPECT_GE(result.number("/connections/reset"), 1U) << result.text();
  EXPECT_GE(result.number("/echoes") + result.number("/late"), 10 * result.number("/connections/reset"))
      << result.text();
}

TEST(LoadFailures, ConnectionsThatAreNeverMadeAreCounted) {
  const FaultyServer server({.fault = Fault::kPause, .time = std::chrono::seconds(60)}, 20);
  const auto result = load(server.port(), {"--connections", "300", "--duration", "200ms", "--wait", "200ms"});
  EXPECT_EQ(result.outcome.exit_code, 1) << result.text();
  EXPECT_EQ(result.report.at("ok"), false);
  EXPECT_EQ(result.number("/connections/made") + result.number("/connections/never_made"), 300U)
      << result.text();
  EXPECT_GT(result.number("/connections/never_made"), 128U) << "more than were tried\n" << result.text();
  EXPECT_NE(result.outcome.output.find("connections never made"), std::string::npos) << result.text();
}

TEST(LoadFailures, ConnectionsThatWaitForConnectRateAreNoFailureButNamed) {
  const FaultyServer server;
  const auto result =
      load(server.port(), {"--connections", "100", "--connect-rate", "20", "--duration", "300ms"});
  EXPECT_EQ(result.outcome.exit_code, 0) << result.text();
  EXPECT_EQ(result.number("/connections/never_made"), 0U);
  EXPECT_GT(result.number("/connections/held_back"), 70U);
  EXPECT_EQ(result.number("/connections/made") + result.number("/connections/held_back"), 100U);
  EXPECT_NE(result.outcome.output.find("connections not made yet, for --connect-rate"), std::string::npos)
      << result.text();
  EXPECT_NE(result.report.at("own_limits").dump().find("--connect-rate"), std::string::npos) << result.text();
}

TEST(LoadFailures, WhoWaitsForTheServerIsNotHeldBackByConnectRate) {
  const FaultyServer server({.fault = Fault::kPause, .time = std::chrono::seconds(60)}, 1);
  const auto result = load(server.port(), {"--connections", "300", "--connect-rate", "100000", "--duration",
                                           "200ms", "--wait", "200ms"});
  EXPECT_EQ(result.outcome.exit_code, 1) << result.text();
  EXPECT_EQ(result.number("/connections/held_back"), 0U) << result.text();
  EXPECT_GT(result.number("/connections/never_made"), 128U) << result.text();
}

TEST(LoadFailures, ARunInWhichNothingCameBackIsOne) {
  // One message is due at once, and nobody answers it; the next one would be after 100 s.
  const FaultyServer server({.fault = Fault::kDrop, .size = kSize});
  const auto result = load(server.port(), {"--connections", "1", "--idle", "1", "--rate", "0.01",
                                           "--lifetime", "10m", "--duration", "100ms", "--wait", "0"});
  EXPECT_EQ(result.outcome.exit_code, 1) << result.text();
  EXPECT_NE(result.outcome.output.find("no message came back at all"), std::string::npos) << result.text();
}

TEST(LoadFailures, BytesThatFollowTheLastEchoAreExtra) {
  const FaultyServer server({.fault = Fault::kRepeat, .size = kSize, .time = std::chrono::milliseconds(3)});
  const auto result = load(server.port(), {"--connections", "3", "--messages", "1", "--duration", "200ms"});
  const auto tally = server.tally();
  EXPECT_EQ(tally.added, tally.connections * kSize);
  expect_faults(result, {.extra = tally.added});
  expect_failures(result, {});
}

TEST(LoadFailures, BytesThatFollowTheLastEchoOfTheRunAreExtra) {
  const FaultyServer server({.fault = Fault::kRepeat, .size = kSize, .time = std::chrono::milliseconds(300)});
  const auto result = load(server.port(), {"--connections", "1", "--rate", "1", "--duration", "200ms"});
  expect_faults(result, {.extra = kSize});
  expect_failures(result, {});
}

TEST(LoadFailures, AServerWithoutFinIsNoneButTheReportSaysWhatWasNotChecked) {
  const FaultyServer server({.fault = Fault::kKeepOpen});
  const auto result = load(
      server.port(), {"--connections", "3", "--messages", "2", "--duration", "300ms", "--wait", "100ms"});
  EXPECT_EQ(result.outcome.exit_code, 0) << result.text();
  EXPECT_GE(result.number("/connections/made"), 6U) << "they are made anew all the same\n" << result.text();
  EXPECT_EQ(result.number("/connections/without_fin"), result.number("/connections/made")) << result.text();
  EXPECT_NE(result.outcome.output.find("not checked"), std::string::npos) << result.text();
}

TEST(LoadMemory, IsBoundedHoweverFastMessagesFallDue) {
  if (is_instrumented()) GTEST_SKIP() << "a sanitizer's own memory is beyond every limit";
  const FaultyServer server({.fault = Fault::kPause, .time = std::chrono::seconds(60)});
  auto launch = load_launch({"--connections", "50", "--rate", "10000000", "--message-size", "1", "--duration",
                             "1s", "--wait", "100ms", on_loopback(server.port())});
  launch.prefix = {"/bin/sh", "-c", "ulimit -v 400000; exec \"$@\"", "sh"};  // kilobytes
  const auto result = load(std::move(launch));
  EXPECT_EQ(result.outcome.exit_code, 1) << result.text();
  ASSERT_TRUE(result.report.is_object()) << "it ends with a report\n" << result.text();
  EXPECT_GT(result.number("/skipped"), 0U) << result.text();
}

TEST(LoadStall, IsSeenInFullAsEchoesReturn) {
  const FaultyServer server({.fault = Fault::kStall, .position = kTenMessages, .time = kStall});
  const auto result = load(server.port(), {"--connections", "2", "--duration", "1s"});
  expect_all_well(result);
  EXPECT_EQ(server.tally().mistakes, 2U);
  EXPECT_GE(result.real("/latency_seconds/max"), 0.5) << result.text();
  EXPECT_GE(result.real("/longest_silence_seconds"), 0.5) << result.text();
}

TEST(LoadStall, ByTheClockMakesEveryMessageLateThatWasDueMeanwhile) {
  const FaultyServer server({.fault = Fault::kStall, .position = kTenMessages, .time = kStall});
  const auto result = load(server.port(), {"--connections", "2", "--rate", "100", "--duration", "1s"});
  expect_all_well(result);
  EXPECT_GE(result.real("/latency_seconds/max"), 0.5) << result.text();
  EXPECT_GE(result.real("/longest_silence_seconds"), 0.5) << result.text();
  // Half of the messages were due in the stall, and waited for what was left of it: a fifth for 0.3 s or
  // more.
  EXPECT_GE(result.real("/latency_seconds/p90"), 0.3) << result.text();
}

TEST(LoadStall, ThatLastsBeyondTheEndOfTheRunIsSeenInFull) {
  const FaultyServer server({.fault = Fault::kStall, .position = kTenMessages, .time = kStall});
  const auto result = load(server.port(), {"--connections", "2", "--duration", "200ms"});
  EXPECT_EQ(result.outcome.exit_code, 0) << result.text();
  EXPECT_GE(result.real("/latency_seconds/max"), 0.5) << result.text();
  EXPECT_GE(result.real("/longest_silence_seconds"), 0.5) << result.text();
}

TEST(LoadStall, WithoutAnEndIsAsLongASilenceAsTheRunWaited) {
  const FaultyServer server({.fault = Fault::kHang, .position = kTenMessages});
  const auto result = load(server.port(), {"--connections", "1", "--duration", "500ms", "--wait", "500ms"});
  expect_failures(result, {.stuck = 1});
  EXPECT_GE(result.real("/longest_silence_seconds"), 0.5) << result.text();
  EXPECT_GE(result.real("/latency_seconds/max"), 0.5) << "an echo that never came is late\n" << result.text();
}

TEST(LoadStall, WithNothingToCatchUpTheScheduleGoesOn) {
  const FaultyServer server;
  const auto result =
      load(server.port(), {"--connections", "2", "--rate", "100", "--catch-up", "0", "--duration", "1s"});
  expect_all_well(result);
  EXPECT_GE(result.number("/echoes") + result.number("/skipped"), 150U) << result.text();
  EXPECT_GE(result.number("/echoes"), 100U) << result.text();
}

TEST(LoadStall, MessagesThatComeTooLateToBeSentAreSkippedAndCounted) {
  const FaultyServer server({.fault = Fault::kStall, .position = 1U << 20U, .time = std::chrono::seconds(1)});
  const auto result = load(server.port(), {"--connections", "1", "--message-size", "256KiB", "--rate", "400",
                                           "--duration", "1500ms", "--catch-up", "100ms", "--wait", "15s"});
  EXPECT_GT(result.number("/skipped"), 0U) << result.text();
  EXPECT_EQ(result.number("/bytes/missing"), 0U) << "what is skipped was not sent\n" << result.text();
  EXPECT_EQ(result.number("/connections/stuck"), 0U) << result.text();
}

}  // namespace
}  // namespace tcp_echo::test
