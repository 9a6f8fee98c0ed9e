// Accepts from one listening socket into a ConnectionTable.
//
// libuv's own uv_listen closes every waiting client when descriptors run out; this one stops polling instead,
// and the clients wait in the kernel's queue until there is room. The socket is shared with the master and
// stays open when this object goes.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/echo/behaviour.hpp"
#include "tcp_echo/echo/connection_table.hpp"
#include "tcp_echo/loop/poll.hpp"
#include "tcp_echo/loop/timer.hpp"

namespace tcp_echo {

/// A client that has our SYN-ACK believes that it is connected; its ACK, which puts it into the accept queue,
/// may be under way for this long.
inline constexpr std::chrono::milliseconds kHandshakeGrace{250};

class Acceptor {
 public:
  /// `name` is what log lines call the listener: its address. `id` is what its connections have of it. Throws
  /// FatalError if the socket cannot be polled.
  Acceptor(Loop& loop, UniqueFd listener, std::string name, Behaviour& behaviour, ConnectionTable& table,
           ListenerId id = 0);
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  /// A connection has gone; if accepting had paused, it goes on.
  void on_room() noexcept;

  /// Accepts no more until go_on() or finish(), if that ever comes; clients wait in the accept queue.
  void hold() noexcept;
  void go_on() noexcept;

  /// Takes all clients in the accept queue, for they are connected; `on_finished` is called once none has
  /// come for kHandshakeGrace, and may not destroy this object. Clients that come later still are taken as
  /// well, until let_go(). New handshakes have to be kept away, see refuse_handshakes() of net, or there is
  /// no end to it. Clients that a limit keeps waiting are taken as soon as on_room() says so.
  void finish(std::function<void()> on_finished);
  bool is_finished() const noexcept { return is_finished_; }

  /// Closes this descriptor of the listener; nothing brings it back.
  void let_go() noexcept;

  /// Borrowed; -1 after let_go().
  int listener() const noexcept { return listener_.get(); }

 private:
  enum class Outcome : std::uint8_t { kAccepted, kQueueEmpty, kTryNext, kPaused };

  void on_ready() noexcept;
  Outcome accept_one() noexcept;
  Outcome pause_after(int error_number) noexcept;
  Outcome pause(AcceptError error, std::string_view why, bool with_timer) noexcept;
  void resume() noexcept;
  void watch_for_quiet() noexcept;
  void on_quiet() noexcept;

  Loop& loop_;
  UniqueFd listener_;
  std::string name_;
  Behaviour& behaviour_;
  ConnectionTable& table_;
  ListenerId id_;
  bool paused_ = false;
  bool held_ = false;
  bool is_finished_ = false;
  bool makes_deaf_ = false;  ///< connections want hear_out()
  /// The clients that waited when accepting began, or went on: they may have connected before the listener
  /// got the options that a connection inherits.
  std::size_t behind_;
  /// Else it is inherited: its owner may use it after us, and does not want reset_on_close() for connections.
  bool listener_is_ours_;
  std::function<void()> on_finished_;  ///< set once finish() was asked for
  std::chrono::milliseconds may_tell_again_{};
  std::unique_ptr<Poll> poll_;  ///< until let_go()
  Timer retry_;
  Timer quiet_;
};

}  // namespace tcp_echo
