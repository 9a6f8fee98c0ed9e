// The control channel between master and worker: one end of a SOCK_SEQPACKET socket pair (unix(7)), which
// keeps message borders and carries descriptors.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/ipc/codec.hpp"
#include "tcp_echo/ipc/message.hpp"
#include "tcp_echo/loop/poll.hpp"

namespace tcp_echo {

/// Both ends close-on-exec. They carry kLargestFrame, if the kernel lets this user have so large a buffer
/// (net.core.wmem_max); on most machines they do anyway.
Result<std::pair<UniqueFd, UniqueFd>> make_channel_pair();

/// Whether the descriptor can be such an end at all.
bool is_channel_end(int fd);

class Channel {
 public:
  struct Handlers {
    /// With all the descriptors that were sent, or with none if this process has no room for them: at its
    /// limit of open files the kernel drops some (MSG_CTRUNC, recvmsg(2)), and a part is of no use.
    std::function<void(Message, std::vector<UniqueFd>)> on_message;
    std::function<void()> on_closed;               ///< the peer is gone, or closed its end
    std::function<void(DecodeError)> on_nonsense;  ///< the channel has stopped listening
  };

  /// Throws FatalError if `fd` cannot be polled. Any handler may destroy the channel.
  Channel(Loop& loop, UniqueFd fd, Handlers handlers);

  /// Lends descriptors: the peer gets copies. Never waits: the kernel's buffer is the queue, and it holds far
  /// more than is ever said to a peer that reads. A full one means a peer that hangs and is an error, as is a
  /// peer that is gone.
  Result<void> send(const Message& message, std::span<const int> descriptors = {});

  /// The largest frame that the kernel takes here at all: a larger one fails with EMSGSIZE for ever.
  std::size_t largest_frame() const noexcept;

  /// Whether the peer's end is closed. What it sent before may still wait here.
  bool is_peer_gone() const;

  /// Takes one message that waits already; false if none does, or the channel has ended. The loop does this
  /// by itself; a peer's last words may have to be heard before its death is judged.
  bool receive_one();

  /// Nothing comes from it any more.
  void stop() noexcept { poll_.stop(); }

  /// Borrowed.
  int fd() const noexcept { return fd_.get(); }

 private:
  UniqueFd fd_;
  Handlers handlers_;
  Poll poll_;  // after fd_: stops before the descriptor closes
};

}  // namespace tcp_echo
