// What master and workers say to each other over the control channel, and workers to their successors over
// channels of their own: one variant for each direction. The code that receives a direction has a case for
// each of its messages, so that a new one does not compile before it is handled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "tcp_echo/base/listener_id.hpp"
#include "tcp_echo/base/network.hpp"

namespace tcp_echo {

// ---- master to worker; to the admin process only those that say so

/// The first message, sent once: your block, your listeners and your configuration. Carries one descriptor,
/// the scoreboard's. An admin process gets it too; it has no block, and may only read the scoreboard.
struct ConfigureMessage {
  std::uint32_t block = 0;        ///< which of the scoreboard's blocks is yours to write
  bool shares_listeners = false;  ///< all workers poll the same inherited sockets, open also after us
  bool waits = false;             ///< accept no client before ACCEPT: it is not certain that you are needed
  std::string configuration;      ///< effective_toml()
  std::vector<ListenerId> listeners = {};  ///< the ids of those that you were started with, in their order
  bool operator==(const ConfigureMessage&) const = default;
};

/// Begin to accept.
struct AcceptMessage {
  bool operator==(const AcceptMessage&) const = default;
};

/// Accept no more, hand your connections over to your successor, and leave. Carries the end
/// of a channel to it.
struct SuccessorMessage {
  bool operator==(const SuccessorMessage&) const = default;
};

/// Connections come to you over the channel whose end this carries.
struct PredecessorMessage {
  bool operator==(const PredecessorMessage&) const = default;
};

/// The service ends. Take the clients that wait in your accept queues, then no more, finish what is under
/// way, leave. To an admin process as well, also when it has a successor.
struct DrainMessage {
  std::uint64_t milliseconds = 0;  ///< what is left then is closed
  bool operator==(const DrainMessage&) const = default;
};

/// Close everything and leave, now. To an admin process as well.
struct StopMessage {
  bool operator==(const StopMessage&) const = default;
};

/// Accept for that slot as well, whose own worker cannot. Carries its listeners. They get
/// lost on their way to a worker that is at its limit of open files; it answers REFUSE LOAN then.
struct LendMessage {
  std::uint32_t slot = 0;                  ///< counted from 1
  std::vector<ListenerId> listeners = {};  ///< their ids, in the order of the descriptors
  bool operator==(const LendMessage&) const = default;
};

/// That slot's own worker accepts again. Connections that you accepted for it stay yours.
struct TakeBackMessage {
  std::uint32_t slot = 0;  ///< counted from 1
  bool operator==(const TakeBackMessage&) const = default;
};

/// That address is served no more, and new handshakes are kept away from it. Take the clients that wait in
/// the accept queues of the listeners that this carries, until none does.
struct ClearMessage {
  std::uint32_t number = 0;  ///< what the master calls them
  ListenerId listener = 0;   ///< the id of that address
  bool operator==(const ClearMessage&) const = default;
};

/// Close the listeners of that CLEAR, though clients may still wait there.
struct GiveUpMessage {
  std::uint32_t number = 0;
  bool operator==(const GiveUpMessage&) const = default;
};

/// After SUCCESSOR: close your listeners. You may stay for long, and their addresses may
/// not.
struct LetGoMessage {
  bool operator==(const LetGoMessage&) const = default;
};

/// From now on log to the descriptor that this carries, what has that level or a higher one. To an admin
/// process as well.
struct LogMessage {
  std::uint8_t level = 0;  ///< a LogLevel
  bool operator==(const LogMessage&) const = default;
};

/// Tell me of some of your connections. The next question comes after your answer.
struct ListMessage {
  std::uint64_t number = 0;           ///< of the question
  std::uint32_t place = 0;            ///< to begin at: 0, and then what LISTED says
  std::optional<Network> peers = {};  ///< only of those from there
  bool operator==(const ListMessage&) const = default;
};

/// Only to an admin process, the answer to BEAT: the master's loop turns as well.
struct HeardMessage {
  bool operator==(const HeardMessage&) const = default;
};

using ToWorker = std::variant<ConfigureMessage, AcceptMessage, SuccessorMessage, PredecessorMessage,
                              DrainMessage, StopMessage, LendMessage, TakeBackMessage, ClearMessage,
                              GiveUpMessage, LetGoMessage, LogMessage, ListMessage, HeardMessage>;

// ---- worker to master

/// I serve.
struct ReadyMessage {
  bool operator==(const ReadyMessage&) const = default;
};

/// I was told to leave by a signal, or have served as many as I should. I go on until there
/// is a successor.
struct LeavingMessage {
  bool operator==(const LeavingMessage&) const = default;
};

/// My successor is gone, or cannot take what I still have.
struct StrandedMessage {
  bool operator==(const StrandedMessage&) const = default;
};

/// After DRAIN: no client waits in my accept queues any more.
struct EmptiedMessage {
  bool operator==(const EmptiedMessage&) const = default;
};

/// I could not take that slot's listeners.
struct RefuseLoanMessage {
  std::uint32_t slot = 0;  ///< counted from 1
  bool operator==(const RefuseLoanMessage&) const = default;
};

/// No client waits on the listeners of that CLEAR any more, and I have closed them.
struct ClearedMessage {
  std::uint32_t number = 0;
  bool operator==(const ClearedMessage&) const = default;
};

/// I could not take the listeners of that CLEAR.
struct RefuseClearMessage {
  std::uint32_t number = 0;
  bool operator==(const RefuseClearMessage&) const = default;
};

/// I have paused accepting; said again after a while only.
struct LimitMessage {
  std::uint8_t reason = 0;        ///< an AcceptError
  std::uint64_t connections = 0;  ///< that I have
  bool operator==(const LimitMessage&) const = default;
};

struct ListedAddress {
  std::string address = {};
  std::uint16_t port = 0;
  bool operator==(const ListedAddress&) const = default;
};

/// A connection as LISTED tells of it: times in milliseconds, the rest in bytes.
struct ListedConnection {
  ListedAddress peer = {};
  ListedAddress local = {};  ///< the address that the client connected to
  ListenerId listener = 0;   ///< that it was accepted at
  bool is_lingering = false;
  std::uint64_t age = 0;
  std::uint64_t idle = 0;
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
  std::uint64_t unsent = 0;          ///< received, and not taken by the kernel for sending yet
  std::uint64_t unacknowledged = 0;  ///< taken by the kernel, and not acknowledged by the client yet
  bool operator==(const ListedConnection&) const = default;
};

/// As many of them as one LISTED carries, and as a worker looks at for it: the echo waits meanwhile.
inline constexpr std::size_t kMostListed = 128;

/// The answer to LIST.
struct ListedMessage {
  std::uint64_t number = 0;  ///< of the question
  std::uint32_t next = 0;    ///< the place to go on at; 0: these were the last
  std::vector<ListedConnection> connections = {};
  bool operator==(const ListedMessage&) const = default;
};

/// Of an admin process: my loop turns. (That of a worker is seen in its block of the scoreboard.)
struct BeatMessage {
  bool operator==(const BeatMessage&) const = default;
};

using ToMaster =
    std::variant<ReadyMessage, LeavingMessage, StrandedMessage, EmptiedMessage, RefuseLoanMessage,
                 ClearedMessage, RefuseClearMessage, LimitMessage, ListedMessage, BeatMessage>;

// ---- between workers

/// A connection on its way; times in milliseconds of the monotonic clock, which all processes share.
struct ConnectionMessage {
  bool is_lingering = false;
  std::uint8_t close_reason = 0;
  std::uint64_t opened_at = 0;
  std::uint64_t last_activity = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_bytes = 0;
  std::string unsent;
  ListenerId listener = 0;  ///< that it was accepted at
  bool operator==(const ConnectionMessage&) const = default;
};

/// Worker to its successor: these are for you. Carries their descriptors, in the same order.
struct HandOverMessage {
  std::vector<ConnectionMessage> connections;
  bool operator==(const HandOverMessage&) const = default;
};

/// Successor to worker, before it touches one: bit i is set if I have the connection i of your last message.
/// The others are still yours.
struct TakenOverMessage {
  std::uint32_t which = 0;
  bool operator==(const TakenOverMessage&) const = default;
};

/// As many connections as one HAND OVER carries: descriptors on their way count against a limit of the user
/// (ETOOMANYREFS, unix(7)), and the answer is one bit for each.
inline constexpr std::size_t kMostHandedOver = 32;

using BetweenWorkers = std::variant<HandOverMessage, TakenOverMessage>;

// ---- all of them, as they go over the wire

template <class... Directions>
struct Joined;
template <class... First, class... Second, class... Third>
struct Joined<std::variant<First...>, std::variant<Second...>, std::variant<Third...>> {
  using Type = std::variant<First..., Second..., Third...>;
};
using Message = Joined<ToWorker, ToMaster, BetweenWorkers>::Type;

/// The same message, of any direction.
template <class Direction>
Message widened(const Direction& message) {
  return std::visit([](const auto& chosen) { return Message(chosen); }, message);
}

/// The message, if it goes that way.
template <class Direction>
std::optional<Direction> narrowed(Message message) {
  return std::visit(
      [](auto& chosen) -> std::optional<Direction> {
        if constexpr (std::is_constructible_v<Direction, decltype(std::move(chosen))>)
          return Direction(std::move(chosen));
        else
          return std::nullopt;
      },
      message);
}

}  // namespace tcp_echo
