// The server that errs does so where it is told to, and nowhere else.

#include "system/faulty_server.hpp"

#include <gtest/gtest.h>

#include "system/client.hpp"

namespace tcp_echo::test {
namespace {

constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz";

/// What a client gets back of the alphabet, until the server ends the stream.
std::string back_from(const FaultyServer& server) {
  Client client(server.port());
  EXPECT_TRUE(client.send(kLetters));
  client.half_close();
  return client.receive_all();
}

TEST(FaultyServer, MakesNoMistakeUnlessAskedTo) {
  const FaultyServer server;
  EXPECT_EQ(back_from(server), kLetters);
  const auto tally = server.tally();
  EXPECT_EQ(tally.connections, 1U);
  EXPECT_EQ(tally.received, kLetters.size());
  EXPECT_EQ(tally.sent, kLetters.size());
  EXPECT_EQ(tally.mistakes, 0U);
  EXPECT_EQ(tally.beginning, kLetters);
  EXPECT_EQ(tally.peers, std::set<std::string>{"127.0.0.1"});
}

TEST(FaultyServer, ChangesTheBytesItIsToldTo) {
  const FaultyServer server({.fault = Fault::kCorrupt, .position = 3, .size = 2});
  EXPECT_EQ(back_from(server),
            "abc\x9b\x9a"
            "fghijklmnopqrstuvwxyz");
  EXPECT_EQ(server.tally().changed, 2U);
}

TEST(FaultyServer, LeavesBytesOut) {
  const FaultyServer server({.fault = Fault::kDrop, .position = 0, .size = 3});
  EXPECT_EQ(back_from(server), "defghijklmnopqrstuvwxyz");
  EXPECT_EQ(server.tally().dropped, 3U);
}

TEST(FaultyServer, SaysThingsTwice) {
  const FaultyServer server({.fault = Fault::kDuplicate, .position = 1, .size = 2});
  EXPECT_EQ(back_from(server), "abcbcdefghijklmnopqrstuvwxyz");
  EXPECT_EQ(server.tally().added, 2U);
}

TEST(FaultyServer, AddsWhatNobodySent) {
  const FaultyServer server({.fault = Fault::kInsert, .position = 2, .size = 3});
  EXPECT_EQ(back_from(server), "ab###cdefghijklmnopqrstuvwxyz");
  EXPECT_EQ(server.tally().added, 3U);
}

TEST(FaultyServer, LetsNeighboursChangePlaces) {
  const FaultyServer server({.fault = Fault::kSwap, .position = 1, .size = 2});
  EXPECT_EQ(back_from(server), "adebcfghijklmnopqrstuvwxyz");
  EXPECT_EQ(server.tally().changed, 4U);
}

TEST(FaultyServer, GivesOneConnectionsBytesToAnother) {
  const FaultyServer server({.fault = Fault::kMixUp, .position = 2, .size = 3});
  Client first(server.port());
  Client second(server.port());
  EXPECT_TRUE(first.send(kLetters));
  EXPECT_EQ(first.receive(kLetters.size() - 3), "abfghijklmnopqrstuvwxyz");
  const std::string numbers(40, '1');
  EXPECT_TRUE(second.send(numbers));
  EXPECT_EQ(second.receive(numbers.size() + 3), std::string(20, '1') + "cde" + std::string(20, '1'));
}

TEST(FaultyServer, StallsAndThenGoesOn) {
  const FaultyServer server({.fault = Fault::kStall, .position = 5, .time = std::chrono::milliseconds(100)});
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(back_from(server), kLetters);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(100));
}

TEST(FaultyServer, EndsTheStreamInItsMidst) {
  const FaultyServer fin({.fault = Fault::kFin, .position = 5});
  EXPECT_EQ(back_from(fin), "abcde");
  const FaultyServer rst({.fault = Fault::kReset, .position = 5});
  Client client(rst.port());
  EXPECT_TRUE(client.send(kLetters));
  EXPECT_EQ(client.receive(kLetters.size()), "abcde");
  EXPECT_EQ(client.end(), End::kReset);
}

TEST(FaultyServer, ErrsOnTheFirstConnectionAloneIfToldSo) {
  const FaultyServer server(
      {.fault = Fault::kDrop, .position = 3, .size = 23, .first_connection_only = true});
  EXPECT_EQ(back_from(server), "abc");
  EXPECT_EQ(back_from(server), kLetters);
  EXPECT_EQ(server.tally().mistakes, 1U);
}

TEST(FaultyServer, EndsThoughItHangs) {
  const FaultyServer server({.fault = Fault::kHang, .position = 5});
  Client client(server.port());
  EXPECT_TRUE(client.send(kLetters));
  EXPECT_EQ(client.receive(5), "abcde");
}

}  // namespace
}  // namespace tcp_echo::test
