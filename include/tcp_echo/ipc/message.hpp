// What master and workers say to each other over the control channel.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

namespace tcp_echo {

/// Master to worker, first of all and once: who you are and what to do. Carries one descriptor, the
/// scoreboard's.
struct ConfigureMessage {
  std::uint32_t block = 0;        ///< which of the scoreboard's blocks is yours to write
  bool shares_listeners = false;  ///< all workers poll the same sockets, which somebody else keeps after us
  std::string configuration;      ///< effective_toml()
  bool operator==(const ConfigureMessage&) const = default;
};

/// Worker to master: I serve.
struct ReadyMessage {
  bool operator==(const ReadyMessage&) const = default;
};

/// Worker to master: I was told to leave, by a signal, and accept no more. Whoever waits in my accept queues
/// needs another worker.
struct LeavingMessage {
  bool operator==(const LeavingMessage&) const = default;
};

/// Master to worker: the service ends. Take who waits in the accept queues, then no more, finish what is
/// under way, leave.
struct DrainMessage {
  std::uint64_t milliseconds = 0;  ///< what is left then is closed
  bool operator==(const DrainMessage&) const = default;
};

/// Worker to master, after DRAIN: nobody waits in my accept queues any more.
struct EmptiedMessage {
  bool operator==(const EmptiedMessage&) const = default;
};

/// Master to worker: close everything and leave, now.
struct StopMessage {
  bool operator==(const StopMessage&) const = default;
};

/// Master to worker: accept for that slot as well, whose own worker cannot. Carries its listeners. They get
/// lost on their way to a worker that is at its limit of open files; it answers REFUSE LOAN then.
struct LendMessage {
  std::uint32_t slot = 0;  ///< counted from 1
  bool operator==(const LendMessage&) const = default;
};

/// Master to worker: that slot's worker can again. What was accepted for it stays where it is.
struct TakeBackMessage {
  std::uint32_t slot = 0;  ///< counted from 1
  bool operator==(const TakeBackMessage&) const = default;
};

/// Worker to master: I could not take that slot's listeners.
struct RefuseLoanMessage {
  std::uint32_t slot = 0;  ///< counted from 1
  bool operator==(const RefuseLoanMessage&) const = default;
};

/// Master to worker: from now on log to the descriptor that this carries.
struct LogMessage {
  bool operator==(const LogMessage&) const = default;
};

using Message = std::variant<ConfigureMessage, ReadyMessage, LeavingMessage, DrainMessage, EmptiedMessage,
                             StopMessage, LendMessage, TakeBackMessage, RefuseLoanMessage, LogMessage>;

}  // namespace tcp_echo
