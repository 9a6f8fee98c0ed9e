// A worker's desks, with listeners as their master has them.
#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "support/engine.hpp"
#include "tcp_echo/net/listening_socket.hpp"
#include "worker/desks.hpp"

namespace tcp_echo::test {

inline constexpr unsigned kOwnSlot = 1;
inline constexpr unsigned kNeighbour = 2;

inline constexpr ListenerId kListener = 7;

inline UniqueFd no_socket() { return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

template <class... Descriptors>
std::vector<Desks::Listener> listeners(Descriptors&&... descriptors) {
  std::vector<Desks::Listener> all;
  (all.push_back({std::forward<Descriptors>(descriptors), kListener}), ...);
  return all;
}

/// A listener as its master has it.
struct Site {
  UniqueFd lend() const { return copy_of(socket.get()); }
  Client client() const { return Client(address); }
  /// The master keeps none: once the desks close theirs, so is the listener.
  UniqueFd give_away() { return std::move(socket); }
  bool is_free() const { return probe_address(address).has_value(); }

  UniqueFd socket = value_or_throw(open_listener(any_loopback_port(), {.backlog = 200}));
  Endpoint address = bound(socket);
};

/// A worker's desks, which are not open yet, with the table that their connections go to.
struct DesksTest : ::testing::Test {
  explicit DesksTest(EchoSettings settings = plain_settings())
      : table(loop, std::move(settings), counters, [this] { desks.on_room(); }),
        desks(loop, echo,
              {.on_emptied = [this] { ++emptied; },
               .on_cleared = [this](std::uint32_t number) { cleared.push_back(number); }}) {}
  DesksTest(const DesksTest&) = delete;
  DesksTest& operator=(const DesksTest&) = delete;
  ~DesksTest() override {
    desks.close_all();
    table.close_all();
    EXPECT_TRUE(until([this] { return table.is_empty(); }));
    EXPECT_EQ(counters.active(), 0U) << "the ledger does not balance";
  }

  void open(Desks::Manner manner = {}) { desks.open(table, kOwnSlot, listeners(own.lend()), manner); }

  template <class Condition>
  [[nodiscard]] bool until(Condition condition) {
    return turn_until(loop, condition);
  }
  void turn_some_more() {
    for (int i = 0; i < kSomeTurns; ++i) turn(loop);
  }
  /// Of the connection that was active last.
  ListenerId listener_of_newest() {
    auto* const connection = table.suspend_newest();
    connection->resume();
    return connection->state().listener;
  }
  void expect_served(Client& client) {
    const auto before = client.received().size();
    client.send("hello");
    EXPECT_TRUE(read_until(loop, client, before + 5));
    EXPECT_EQ(client.received().substr(before), "hello");
  }
  /// Nobody takes it, and nobody resets it.
  void expect_waits(Client& client) {
    const auto before = counters.accepted.get();
    turn_some_more();
    EXPECT_EQ(counters.accepted.get(), before);
    EXPECT_TRUE(client.is_open());
  }

  /// As where the master may not filter: it has closed the door of the own listener, and the worker has not
  /// heard of it when it accepts whose handshake was under way.
  Client client_behind_a_closed_door() {
    constexpr int kMostHops = 255;
    set_integer(own.socket.get(), IPPROTO_IP, IP_MINTTL, kMostHops);
    Client client(own.address, 0, kMostHops);
    EXPECT_TRUE(until([this] { return table.size() == 1; }));
    set_integer(client.fd(), IPPROTO_IP, IP_TTL, 64);
    return client;
  }

  LogCapture log;
  Loop loop;
  WorkerCounters counters;
  EchoBehaviour echo;
  Site own;
  Site neighbours;
  ConnectionTable table;
  int emptied = 0;
  std::vector<std::uint32_t> cleared;
  Desks desks;
};

}  // namespace tcp_echo::test
