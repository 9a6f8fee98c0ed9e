// All connections of a worker, and what they share: the read buffer, the two queues that watch the clock, the
// counters.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "tcp_echo/base/counters.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/echo/connection.hpp"
#include "tcp_echo/echo/idle_queue.hpp"
#include "tcp_echo/echo/settings.hpp"

namespace tcp_echo {

/// What one recv() takes at most; also the most that a lagging connection keeps for itself.
inline constexpr std::size_t kReadBufferSize = 64UL * 1024;

class ConnectionTable {
 public:
  /// `on_erased` is called after a connection is gone and its descriptor closed.
  ConnectionTable(Loop& loop, EchoSettings settings, WorkerCounters& counters,
                  std::function<void()> on_erased);
  /// It must be empty: close_all(), then let the loop turn once.
  ~ConnectionTable();
  ConnectionTable(const ConnectionTable&) = delete;
  ConnectionTable& operator=(const ConnectionTable&) = delete;

  /// Takes a connection that was accepted at that listener, and begins to serve it.
  void add(UniqueFd fd, Behaviour& behaviour, ListenerId listener = 0);
  /// Sets the options that a connection inherits from its listener, if it has none or those of a former
  /// configuration.
  void set_options(int fd) const noexcept;

  std::size_t size() const noexcept { return size_; }
  bool is_empty() const noexcept { return size_ == 0; }
  bool has_room() const noexcept {
    return settings_.most_connections == 0 || size_ < settings_.most_connections;
  }

  /// Where connections that come from one other worker find their places in the queues: all that it had, in
  /// the time that one walk through the queues takes. The table outlives it.
  struct Arrivals {
    explicit Arrivals(ConnectionTable& table) : idle(table.idle_queue_), lingering(table.linger_queue_) {}
    IdleQueue::Cursor idle;
    IdleQueue::Cursor lingering;
  };

  /// Takes a connection over from another worker, in the state that it is in. Nothing happens to the client's
  /// bytes before the next turn of the loop; until then suspend() and release() undo it. nullptr if it cannot
  /// be polled: it stays with the other worker then.
  Connection* adopt(UniqueFd fd, Behaviour& behaviour, ConnectionState state, Arrivals& arrivals);
  /// Takes the connection that was active last out of the loop, for another worker: to be released, or
  /// resumed. nullptr once there is none that could be handed over.
  Connection* suspend_newest() noexcept;

  /// Shows those that are open, from that place on and at most so many; gives the place to go on at, 0 after
  /// the last one. A connection that comes or goes between two calls may be missed, and no other one.
  std::size_t visit(std::size_t place, std::size_t most,
                    const std::function<void(const Connection&)>& show) const;

  /// From now on a connection is closed once it has been quiet for kDrainQuiet and has all of its bytes.
  void drain();
  bool is_draining() const noexcept { return draining_; }

  /// For connections that may be deaf, see makes_deaf() of net.
  void hear_out_all() noexcept;

  /// Closes every connection as it stands; each is erased at the end of this turn of the loop.
  void close_all() noexcept;

  // For connections.
  std::chrono::milliseconds now() const noexcept { return loop_.now(); }
  const EchoSettings& settings() const noexcept { return settings_; }
  WorkerCounters& counters() noexcept { return counters_; }
  IdleQueue& idle_queue() noexcept { return idle_queue_; }
  IdleQueue& linger_queue() noexcept { return linger_queue_; }
  /// Shared by all: a connection that fills it has emptied it before it returns to the loop.
  std::span<std::byte> read_buffer() noexcept { return *read_buffer_; }
  /// One that is closed in that state.
  void count_close(const ConnectionState& state, CloseReason reason) noexcept;
  void erase(Connection& connection) noexcept;

 private:
  /// nullptr if it cannot be polled.
  Connection* place(std::unique_ptr<Connection> connection);

  Loop& loop_;
  EchoSettings settings_;
  WorkerCounters& counters_;
  std::function<void()> on_erased_;
  std::unique_ptr<std::array<std::byte, kReadBufferSize>> read_buffer_;
  IdleQueue idle_queue_;
  IdleQueue linger_queue_;
  std::vector<std::unique_ptr<Connection>>
      by_descriptor_;  // the kernel hands out small numbers: eight bytes a connection, no hashing
  std::size_t size_ = 0;
  bool draining_ = false;
};

}  // namespace tcp_echo
