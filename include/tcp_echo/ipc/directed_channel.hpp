// A channel whose ends say different things: what goes the wrong way does not compile here, and is nonsense
// when it comes from there.
#pragma once

#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "tcp_echo/ipc/channel.hpp"
#include "tcp_echo/ipc/message.hpp"

namespace tcp_echo {

/// As Channel in all else.
template <class Incoming, class Outgoing>
class DirectedChannel {
 public:
  struct Handlers {
    std::function<void(Incoming, std::vector<UniqueFd>)> on_message;
    std::function<void()> on_closed;
    std::function<void(DecodeError)> on_nonsense;
  };

  /// Throws FatalError if `fd` cannot be polled. Any handler may destroy the channel.
  DirectedChannel(Loop& loop, UniqueFd fd, Handlers handlers)
      : channel_(loop, std::move(fd),
                 {.on_message =
                      [this, on_message = std::move(handlers.on_message), on_nonsense = handlers.on_nonsense](
                          Message message, std::vector<UniqueFd> descriptors) {
                        auto incoming = narrowed<Incoming>(std::move(message));
                        if (incoming) return on_message(std::move(*incoming), std::move(descriptors));
                        channel_.stop();
                        on_nonsense({DecodeError::Kind::kNonsense, "a message that does not belong there"});
                      },
                  .on_closed = std::move(handlers.on_closed),
                  .on_nonsense = handlers.on_nonsense}) {}

  Result<void> send(const Outgoing& message, std::span<const int> descriptors = {}) {
    return channel_.send(widened(message), descriptors);
  }

  std::size_t largest_frame() const noexcept { return channel_.largest_frame(); }
  bool is_peer_gone() const { return channel_.is_peer_gone(); }
  bool receive_one() { return channel_.receive_one(); }
  int fd() const noexcept { return channel_.fd(); }

 private:
  Channel channel_;
};

/// The master's end of a worker's control channel, the worker's end, and either end between two workers.
using MastersChannel = DirectedChannel<ToMaster, ToWorker>;
using WorkersChannel = DirectedChannel<ToWorker, ToMaster>;
using HandOverChannel = DirectedChannel<BetweenWorkers, BetweenWorkers>;

}  // namespace tcp_echo
