// The echo engine of a worker with everything around it in this process: loop, table, acceptor, and real
// clients over loopback.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "support/log_capture.hpp"
#include "support/sockets.hpp"
#include "support/wait.hpp"
#include "tcp_echo/base/counters.hpp"
#include "tcp_echo/echo/acceptor.hpp"
#include "tcp_echo/echo/behaviour.hpp"
#include "tcp_echo/echo/connection_table.hpp"
#include "tcp_echo/loop/loop.hpp"

namespace tcp_echo::test {

/// Nothing is ever closed or refused for a reason of time or number.
inline EchoSettings plain_settings() {
  EchoSettings settings;
  settings.linger_timeout = std::chrono::hours(1);
  settings.descriptor_limit = 1 << 20;
  return settings;
}

inline EchoSettings with_idle_timeout(std::chrono::milliseconds timeout) {
  auto settings = plain_settings();
  settings.idle_timeout = timeout;
  return settings;
}

/// Turns until that many bytes have come to the client in all, or its stream has ended.
[[nodiscard]] inline bool read_until(Loop& loop, Client& client, std::size_t bytes) {
  return turn_until(loop, [&] {
    client.read_some();
    return client.received().size() >= bytes || client.end() != End::kOpen;
  });
}

/// Reads until the client's stream ends, and says how.
inline End read_to_end(Loop& loop, Client& client) {
  EXPECT_TRUE(turn_until(loop, [&] {
    client.read_some();
    return client.end() != End::kOpen;
  }));
  return client.end();
}

/// Time enough for what should not happen.
inline constexpr int kSomeTurns = 50;

/// Has a client send, and never read, until every buffer on the way is full; how much of `bytes` that was.
inline std::size_t stuff(Loop& loop, const WorkerCounters& counters, Client& client, std::string_view bytes) {
  std::size_t sent = 0;
  std::uint64_t seen = 0;
  int quiet_turns = 0;
  EXPECT_TRUE(turn_until(loop, [&] {
    sent += client.send_some(bytes.substr(sent));
    const auto moved = sent + counters.received_bytes.get() + counters.sent_bytes.get();
    quiet_turns = moved == seen ? quiet_turns + 1 : 0;
    seen = moved;
    return quiet_turns > kSomeTurns;
  }));
  EXPECT_LT(sent, bytes.size()) << "too few to fill the buffers";
  return sent;
}

struct Engine {
  explicit Engine(EchoSettings settings = plain_settings())
      : listener(value_or_throw(open_listener(any_loopback_port(), {.backlog = 200, .nodelay = true}))),
        address(value_or_throw(local_endpoint(listener.get()))),
        table(loop, std::move(settings), counters, [this] { on_erased(); }) {
    begin_to_accept();
  }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine() {
    acceptor.reset();
    table.close_all();
    EXPECT_TRUE(until([this] { return table.is_empty(); }));
    EXPECT_EQ(counters.active(), 0U) << "the ledger does not balance";
  }

  /// As a worker does, with a descriptor that the master keeps a copy of.
  void begin_to_accept() {
    acceptor = std::make_unique<Acceptor>(loop, UniqueFd(::fcntl(listener.get(), F_DUPFD_CLOEXEC, 0)),
                                          "the listener", echo, table);
  }

  void on_erased() const {
    if (acceptor != nullptr) acceptor->on_room();
  }

  template <class Condition>
  [[nodiscard]] bool until(Condition condition) {
    return turn_until(loop, condition);
  }

  void turn_some_more() {
    for (int i = 0; i < kSomeTurns; ++i) turn(loop);
  }

  /// A client that has been accepted already.
  Client connect(int client_buffers = 0) {
    const auto before = counters.accepted.get();
    Client client(address, client_buffers);
    EXPECT_TRUE(until([&] { return counters.accepted.get() > before; }));
    return client;
  }

  /// As connect(), with small buffers in the kernel on both sides: full soon.
  Client connect_small() {
    set_integer(listener.get(), SOL_SOCKET, SO_SNDBUF, kSmallBuffer);
    set_integer(listener.get(), SOL_SOCKET, SO_RCVBUF, kSmallBuffer);
    return connect(kSmallBuffer);
  }

  void read_until(Client& client, std::size_t bytes) { EXPECT_TRUE(test::read_until(loop, client, bytes)); }
  End read_to_end(Client& client) { return test::read_to_end(loop, client); }

  /// What comes back for `bytes`.
  std::string echo_of(Client& client, std::string_view bytes) {
    const auto before = client.received().size();
    client.send(bytes);
    read_until(client, before + bytes.size());
    return client.received().substr(before);
  }

  std::size_t stuff(Client& client, std::string_view bytes) {
    return test::stuff(loop, counters, client, bytes);
  }

  std::uint64_t closed(CloseReason reason) { return counters.closed_for(reason).get(); }
  [[nodiscard]] bool until_closed(CloseReason reason, std::uint64_t count = 1) {
    return until([&] { return closed(reason) >= count; });
  }

  static constexpr int kSmallBuffer = 16 * 1024;

  LogCapture log;
  Loop loop;
  WorkerCounters counters;
  EchoBehaviour echo;
  UniqueFd listener;
  Endpoint address;
  ConnectionTable table;
  std::unique_ptr<Acceptor> acceptor;
};

}  // namespace tcp_echo::test
