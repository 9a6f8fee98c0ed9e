// The giving end of a hand-over: a worker's connections, on their way to its successor.
//
// Two processes that write one stream is the one thing that may never happen. So a connection is taken out of
// the loop before its descriptor is sent, and from then on it is in doubt until the successor has answered.
// The successor answers before it touches one. When the channel breaks, its answers are read to the end
// first: what they do not name was never touched, and is served here again.
#pragma once

#include <functional>
#include <vector>

#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/echo/connection_table.hpp"
#include "tcp_echo/ipc/directed_channel.hpp"
#include "tcp_echo/loop/timer.hpp"

namespace tcp_echo {

class HandOver {
 public:
  /// Begins at once; the connections erase themselves from the table as they are taken. Throws FatalError if
  /// the channel cannot be used. `table` outlives the object. `on_broken`: the successor is gone, or has no
  /// room for what is left; it may destroy the object.
  HandOver(Loop& loop, UniqueFd channel, ConnectionTable& table, std::function<void()> on_broken);
  /// Connections that are still in doubt are closed here, and reset by this worker or the successor, the one
  /// that closes them last: bytes may be missing. To avoid that, wait for on_broken.
  ~HandOver();
  HandOver(const HandOver&) = delete;
  HandOver& operator=(const HandOver&) = delete;

  /// The table got another connection: it is handed over as well.
  void go_on();

 private:
  void send_batch();
  void on_message(const BetweenWorkers& message);
  void on_taken_over(std::uint32_t which);
  void on_nonsense(const DecodeError& error);
  void keep_all();
  void give_up();

  ConnectionTable& table_;
  std::function<void()> on_broken_;
  std::vector<Connection*> in_doubt_;
  bool is_over_ = false;  ///< nothing is sent any more
  Timer retry_;
  HandOverChannel channel_;
  std::size_t most_unsent_bytes_;  ///< in one message
};

}  // namespace tcp_echo
