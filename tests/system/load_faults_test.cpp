// tcp-echo-load finds every byte that a server changes, loses or invents, and no other.

#include <gtest/gtest.h>

#include "system/faulty_server.hpp"
#include "system/load_run.hpp"

namespace tcp_echo::test {
namespace {

constexpr std::uint64_t kMessage = 64;
/// Somewhere in the run, at the beginning of a message.
constexpr std::uint64_t kSomeMessage = 20 * kMessage;

/// How messages follow each other. A fault is the same whichever it is.
const std::vector<std::string> kOneByOne = {};
const std::vector<std::string> kFourAtOnce = {"--pipeline", "4"};
const std::vector<std::string> kByTheClock = {"--rate", "200"};

/// A short run of two connections; a longer one where everything is slow.
LoadResult load_on(const FaultyServer& server, std::vector<std::string> arguments) {
  const auto* const duration = is_instrumented() ? "2s" : "1s";
  arguments.insert(arguments.begin(),
                   {"--connections", "2", "--message-size", "64", "--duration", duration, "--wait", "2s"});
  return load(server.port(), std::move(arguments));
}

class LoadFaults : public testing::TestWithParam<std::vector<std::string>> {};

TEST_P(LoadFaults, FindOneByteChanged) {
  const FaultyServer server({.fault = Fault::kCorrupt, .position = kSomeMessage + 5});
  const auto result = load_on(server, GetParam());
  EXPECT_EQ(server.tally().changed, 2U);
  expect_faults(result, {.wrong = 2});
  expect_failures(result, {});
}

TEST_P(LoadFaults, FindTheFirstByteChanged) {
  const FaultyServer server({.fault = Fault::kCorrupt, .position = 0, .first_connection_only = true});
  expect_faults(load_on(server, GetParam()), {.wrong = 1});
}

TEST_P(LoadFaults, FindAWholeMessageChanged) {
  const FaultyServer server({.fault = Fault::kCorrupt, .position = kSomeMessage, .size = kMessage});
  expect_faults(load_on(server, GetParam()), {.wrong = 2 * kMessage});
}

TEST_P(LoadFaults, FindAMessageSentTwice) {
  const FaultyServer server({.fault = Fault::kDuplicate, .position = kSomeMessage, .size = kMessage});
  const auto result = load_on(server, GetParam());
  EXPECT_EQ(server.tally().added, 2 * kMessage);
  expect_faults(result, {.extra = 2 * kMessage});
  expect_failures(result, {});
}

TEST_P(LoadFaults, FindBytesThatNobodySent) {
  const FaultyServer server({.fault = Fault::kInsert, .position = kSomeMessage + kMessage / 2, .size = 7});
  const auto result = load_on(server, GetParam());
  expect_faults(result, {.extra = 14});
  expect_failures(result, {});
}

TEST_P(LoadFaults, FindTwoNeighboursThatChangedPlaces) {
  const FaultyServer server({.fault = Fault::kSwap, .position = kSomeMessage + 20});
  const auto result = load_on(server, GetParam());
  expect_faults(result, {.wrong = server.tally().changed});
}

INSTANTIATE_TEST_SUITE_P(Each, LoadFaults, testing::Values(kOneByOne, kFourAtOnce, kByTheClock),
                         [](const auto& each) {
                           return each.param == kOneByOne     ? "OneByOne"
                                  : each.param == kFourAtOnce ? "FourAtOnce"
                                                              : "ByTheClock";
                         });

TEST(LoadLosses, OfAMessagesEndLeaveTheConnectionStuckIfNothingFollows) {
  const FaultyServer server({.fault = Fault::kDrop, .position = kSomeMessage + kMessage - 10, .size = 10});
  const auto result = load_on(server, kOneByOne);
  EXPECT_EQ(server.tally().dropped, 20U);
  expect_faults(result, {.missing = 20});
  expect_failures(result, {.stuck = 2});
  EXPECT_EQ(result.number("/echoes"), 2U * 20);
}

TEST(LoadLosses, OfAMessagesEndAreFoundByWhatFollowsInThePipeline) {
  const FaultyServer server({.fault = Fault::kDrop, .position = kSomeMessage + kMessage - 10, .size = 10});
  const auto result = load_on(server, kFourAtOnce);
  expect_faults(result, {.missing = 20});
  expect_failures(result, {});
  EXPECT_GT(result.number("/echoes"), 2U * 21);
}

TEST(LoadLosses, OfAWholeMessageAreFoundByWhatFollowsByTheClock) {
  const FaultyServer server({.fault = Fault::kDrop, .position = kSomeMessage, .size = kMessage});
  const auto result = load_on(server, kByTheClock);
  expect_faults(result, {.missing = 2 * kMessage});
  expect_failures(result, {});
  EXPECT_LE(result.number("/echoes") * kMessage, result.number("/bytes/sent") - 2 * kMessage)
      << "what did not come back is no echo\n"
      << result.text();
}

TEST(LoadLosses, OfTheVeryLastBytesAreFoundByTheFin) {
  const FaultyServer server({.fault = Fault::kDrop, .position = 5 * kMessage - 3, .size = 3});
  const auto result = load_on(server, {"--messages", "5", "--half-close", "--pipeline", "5"});
  EXPECT_EQ(result.number("/bytes/missing"), server.tally().dropped);
  EXPECT_GE(server.tally().dropped, 6U);
  EXPECT_EQ(result.outcome.exit_code, 1);
}

TEST(LoadLosses, OfOneByteInAMebibyteAreFound) {
  const FaultyServer server(
      {.fault = Fault::kDrop, .position = 700'000, .size = 1, .first_connection_only = true});
  const auto result = load_on(server, {"--message-size", "1MiB", "--pipeline", "2"});
  expect_faults(result, {.missing = 1});
}

TEST(LoadOrder, OfMessagesMattersEvenIfEachIsWhole) {
  const FaultyServer server({.fault = Fault::kSwap, .position = kSomeMessage, .size = kMessage});
  const auto result = load_on(server, kFourAtOnce);
  EXPECT_EQ(result.outcome.exit_code, 1) << result.text();
  const auto missing = result.number("/bytes/missing");
  EXPECT_EQ(missing, result.number("/bytes/extra")) << "as many came as were sent\n" << result.text();
  EXPECT_GE(missing + result.number("/bytes/wrong"), 2 * kMessage) << result.text();
}

TEST(LoadOrder, BetweenConnectionsMatters) {
  const FaultyServer server({.fault = Fault::kMixUp, .position = kSomeMessage, .size = kMessage});
  const auto result = load_on(server, kByTheClock);
  EXPECT_EQ(server.tally().dropped, kMessage);
  EXPECT_EQ(server.tally().added, kMessage);
  expect_faults(result, {.missing = kMessage, .extra = kMessage});
}

TEST(LoadFaultsOfAText, AreFoundAsWell) {
  const FaultyServer server({.fault = Fault::kCorrupt, .position = 1000});
  const auto result = load(server.port(), {"--connections", "2", "--message", "hello, world", "--duration",
                                           "500ms", "--wait", "2s"});
  expect_faults(result, {.wrong = 2});
}

TEST(LoadFaultsInTheWarmUp, CountAsWell) {
  const FaultyServer server({.fault = Fault::kCorrupt, .position = 10});
  expect_faults(load_on(server, {"--warmup", "500ms"}), {.wrong = 2});
}

TEST(LoadFaultsAmongManyThreads, AreAllCounted) {
  const FaultyServer server({.fault = Fault::kCorrupt, .position = 10});
  const auto result =
      load(server.port(), {"--connections", "40", "--threads", "4", "--duration", "500ms", "--wait", "10s"});
  EXPECT_EQ(server.tally().changed, 40U);
  expect_faults(result, {.wrong = 40});
}

}  // namespace
}  // namespace tcp_echo::test
