// One client: receive, respond, send, and nothing twice.
//
// Owned by its ConnectionTable, which it leaves when its poll handle has closed. One recv and one send per
// wake-up: epoll is level-triggered and brings it back, so a flood cannot keep the others waiting for more
// than one turn. What send() leaves over moves to a buffer of this connection, and reading stops until that
// is gone: a client that does not read stops being read.
//
// Closing the descriptor sends RST, from the first moment on: also when the process dies, whatever it has
// received and not sent yet. Only an end at which nothing is missing makes it a FIN.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "tcp_echo/base/counters.hpp"
#include "tcp_echo/base/listener_id.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/echo/behaviour.hpp"
#include "tcp_echo/echo/idle_queue.hpp"
#include "tcp_echo/loop/poll.hpp"

namespace tcp_echo {

class ConnectionTable;

/// Bytes that were received but not yet taken by the kernel for sending.
struct Unsent {
  std::unique_ptr<std::byte[]> bytes;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  bool is_empty() const noexcept { return begin == end; }
  std::span<const std::byte> rest() const noexcept { return {bytes.get() + begin, bytes.get() + end}; }
};

/// All there is to know about a connection apart from its descriptor and its place in the loop: what a
/// successor needs. That a peer has sent its FIN is the kernel's to remember: it is read after everything
/// else.
struct ConnectionState {
  enum class Phase : std::uint8_t {
    kEchoing,
    kLingering,  ///< our FIN is out, the peer's is awaited; what still comes in has nowhere to go
    kClosing,    ///< waiting for the poll handle to close
  };
  Phase phase = Phase::kEchoing;
  CloseReason reason = CloseReason::kClient;
  ListenerId listener = 0;  ///< that it was accepted at
  Unsent unsent;
  std::chrono::milliseconds opened_at{};      ///< in the time of the loops, which all processes share
  std::chrono::milliseconds last_activity{};  ///< set only on its way to another worker
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_bytes = 0;
};

class Connection final : private IdleNode {
 public:
  Connection(ConnectionTable& table, UniqueFd fd, Behaviour& behaviour, ConnectionState state) noexcept
      : table_(table), behaviour_(behaviour), state_(std::move(state)), fd_(std::move(fd)) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Begins to echo. Returns a libuv error number; if it is not 0 the object may only be destroyed.
  int start(Loop& loop) noexcept;

  /// It has been quiet for as long as the table's idle queue allows.
  void on_quiet() noexcept;
  /// Its time to linger is over.
  void on_linger_over() noexcept;
  /// The end, whatever is under way. A peer that has not got all of its bytes gets a reset, not a FIN that
  /// would look like the whole.
  void close_now(CloseReason reason) noexcept;

  /// This worker does not touch the client's bytes until resume(): the connection may be another one's by
  /// now.
  void suspend() noexcept;
  void resume() noexcept;
  /// It is another worker's. Nothing of this end may reach the client.
  void release() noexcept;
  /// It is suspended, and may be another worker's or not: the worker that closes it last resets it.
  void close_in_doubt(CloseReason reason) noexcept;

  int fd() const noexcept { return fd_.get(); }
  const ConnectionState& state() const noexcept { return state_; }
  std::chrono::milliseconds last_activity() const noexcept { return IdleNode::last_activity(); }
  bool is_closing() const noexcept { return state_.phase == ConnectionState::Phase::kClosing; }

 private:
  friend class ConnectionTable;
  friend class EmbeddedPoll<Connection>;
  void on_ready(bool failed) noexcept;
  void on_poll_closed() noexcept;

  void receive_and_respond() noexcept;
  void send_unsent() noexcept;
  void discard() noexcept;
  bool had_a_turn_due() noexcept;
  void count_received(std::ptrdiff_t size) noexcept;
  /// How much the kernel took; nothing if the connection broke.
  std::ptrdiff_t send(std::span<const std::byte> bytes) noexcept;
  bool keep_unsent(std::span<const std::byte> rest) noexcept;
  void close_idle() noexcept;
  void finish(CloseReason reason) noexcept;
  void close(CloseReason reason) noexcept;
  /// The client has everything that it is to get, or it is with the kernel.
  void close_with_fin(CloseReason reason) noexcept;
  /// Where it waits for its time.
  IdleQueue& queue() noexcept;
  int poll() noexcept;
  void watch() noexcept;

  ConnectionTable& table_;
  Behaviour& behaviour_;
  EmbeddedPoll<Connection> poll_;
  ConnectionState state_;
  UniqueFd fd_;
};

}  // namespace tcp_echo
