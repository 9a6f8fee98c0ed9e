// Two workers as far as connections go, on one loop and in this process: one hands over, the other takes.
// SCM_RIGHTS duplicates descriptors, so each has its own.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/engine.hpp"
#include "tcp_echo/ipc/channel.hpp"
#include "tcp_echo/net/socket_options.hpp"
#include "worker/hand_over.hpp"
#include "worker/take_over.hpp"

namespace tcp_echo::test {

/// A worker's connections and counters.
struct Side {
  Side(Loop& its_loop, EchoSettings settings)
      : loop(its_loop), table(loop, std::move(settings), counters, [] {}) {}
  Side(const Side&) = delete;
  Side& operator=(const Side&) = delete;
  ~Side() {
    table.close_all();
    EXPECT_TRUE(turn_until(loop, [this] { return table.is_empty(); }));
    EXPECT_EQ(counters.active(), 0U) << "the ledger does not balance";
  }

  std::uint64_t closed(CloseReason reason) { return counters.closed_for(reason).get(); }

  Loop& loop;
  WorkerCounters counters;
  ConnectionTable table;
};

/// One end of a channel played by hand: it hears only when it is told to.
class Peer {
 public:
  explicit Peer(UniqueFd end)
      : channel_(std::in_place, loop_, std::move(end),
                 Channel::Handlers{.on_message =
                                       [this](Message message, std::vector<UniqueFd> descriptors) {
                                         heard_.push_back(std::move(message));
                                         for (auto& fd : descriptors) descriptors_.push_back(std::move(fd));
                                       },
                                   .on_closed = [] {},
                                   .on_nonsense = [](const DecodeError&) { FAIL() << "nonsense"; }}) {}

  /// Takes one message if one waits.
  bool hear() { return channel_->receive_one(); }
  void say(const Message& message, const std::vector<int>& descriptors = {}) {
    ASSERT_TRUE(channel_->send(message, descriptors));
  }
  void say_raw(const std::vector<std::byte>& frame) {
    ASSERT_GE(::send(channel_->fd(), frame.data(), frame.size(), MSG_NOSIGNAL), 0);
  }
  void close() { channel_.reset(); }
  void forget_descriptors() { descriptors_.clear(); }

  int fd() const { return channel_->fd(); }
  /// What the last message was, with what came with it so far.
  template <class Kind>
  const Kind& last() const {
    return std::get<Kind>(heard_.back());
  }
  const std::vector<UniqueFd>& descriptors() const { return descriptors_; }

 private:
  Loop loop_;  // never turned
  std::vector<Message> heard_;
  std::vector<UniqueFd> descriptors_;
  std::optional<Channel> channel_;
};

struct TwoWorkers {
  static constexpr ListenerId kListener = 7;

  explicit TwoWorkers(EchoSettings of_old = plain_settings(), EchoSettings of_new = plain_settings())
      : listener(value_or_throw(open_listener(any_loopback_port(), {.backlog = 200}))),
        address(value_or_throw(local_endpoint(listener.get()))),
        predecessor(loop, std::move(of_old)),
        successor(loop, std::move(of_new)) {
    reset_on_close(listener.get());  // as the listeners of a master
  }
  TwoWorkers(const TwoWorkers&) = delete;
  TwoWorkers& operator=(const TwoWorkers&) = delete;
  ~TwoWorkers() {
    giving.reset();
    taking.reset();
  }

  /// Both ends of a new connection.
  std::pair<Client, UniqueFd> pair(int client_buffers = 0) const {
    Client client(address, client_buffers);
    UniqueFd server(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    EXPECT_TRUE(static_cast<bool>(server));
    return {std::move(client), std::move(server)};
  }
  /// A client of the predecessor.
  Client connect(int client_buffers = 0) {
    auto [client, server] = pair(client_buffers);
    predecessor.table.add(std::move(server), echo, kListener);
    return std::move(client);
  }
  std::vector<Client> connect_many(std::size_t count) {
    std::vector<Client> clients;
    clients.reserve(count);
    for (std::size_t i = 0; i < count; ++i) clients.push_back(connect());
    return clients;
  }
  /// One with small buffers in the kernel on both sides: full soon.
  Client connect_small() {
    set_integer(listener.get(), SOL_SOCKET, SO_SNDBUF, Engine::kSmallBuffer);
    set_integer(listener.get(), SOL_SOCKET, SO_RCVBUF, Engine::kSmallBuffer);
    return connect(Engine::kSmallBuffer);
  }
  /// A client of the predecessor, whose connection is in that state.
  Client connect_in(ConnectionState state) {
    auto [client, server] = pair();
    ConnectionTable::Arrivals arrivals(predecessor.table);
    EXPECT_NE(predecessor.table.adopt(std::move(server), echo, std::move(state), arrivals), nullptr);
    return std::move(client);
  }

  void take(UniqueFd end) {
    taking.emplace(loop, std::move(end), successor.table, echo,
                   TakeOver::Handlers{.on_taken = [this] { ++taken; },
                                      .on_over =
                                          [this] {
                                            taking.reset();  // as a worker does
                                            ++over;
                                          }});
  }
  void give(UniqueFd end) {
    giving.emplace(loop, std::move(end), predecessor.table, [this] { ++broken; });
  }
  /// Begins; nothing moves before the loop turns.
  void hand_over() {
    auto [one, other] = value_or_throw(make_channel_pair());
    take(std::move(one));
    give(std::move(other));
  }
  [[nodiscard]] bool until_moved() {
    return until([this] { return predecessor.table.is_empty(); });
  }
  /// Begins with the successor's end played by hand, which has heard the first batch.
  Peer hand_over_by_hand() {
    auto [one, other] = value_or_throw(make_channel_pair());
    give(std::move(one));
    return Peer(std::move(other));
  }

  template <class Condition>
  [[nodiscard]] bool until(Condition condition) {
    return turn_until(loop, condition);
  }
  void turn_some_more() {
    for (int i = 0; i < kSomeTurns; ++i) turn(loop);
  }
  std::string echo_of(Client& client, std::string_view bytes) {
    const auto before = client.received().size();
    client.send(bytes);
    EXPECT_TRUE(read_until(loop, client, before + bytes.size()));
    return client.received().substr(before);
  }
  void expect_echoes(std::vector<Client>& clients) {
    for (auto& client : clients) EXPECT_EQ(echo_of(client, "hello"), "hello");
  }

  LogCapture log;
  Loop loop;
  EchoBehaviour echo;
  UniqueFd listener;
  Endpoint address;
  Side predecessor;
  Side successor;
  std::optional<TakeOver> taking;
  std::optional<HandOver> giving;
  int taken = 0;   ///< batches that the successor has taken something from, or nothing
  int over = 0;    ///< times that it said: no more will come
  int broken = 0;  ///< times that the predecessor gave up
};

}  // namespace tcp_echo::test
