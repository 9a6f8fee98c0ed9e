// The taking end of a hand-over: connections that come from a predecessor. See hand_over.hpp for what may
// never happen.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/echo/behaviour.hpp"
#include "tcp_echo/echo/connection_table.hpp"
#include "tcp_echo/ipc/directed_channel.hpp"

namespace tcp_echo {

class TakeOver {
 public:
  struct Handlers {
    std::function<void()> on_taken;  ///< the table got connections
    std::function<void()> on_over;   ///< no more will come; may destroy the object
  };

  /// Throws FatalError if the channel cannot be used. `table` and `behaviour` outlive the object.
  TakeOver(Loop& loop, UniqueFd channel, ConnectionTable& table, Behaviour& behaviour, Handlers handlers);
  TakeOver(const TakeOver&) = delete;
  TakeOver& operator=(const TakeOver&) = delete;

 private:
  void on_message(const BetweenWorkers& message, std::vector<UniqueFd> descriptors);
  void refuse(const std::string& what) const;
  void take(const HandOverMessage& batch, std::vector<UniqueFd> descriptors);
  void give_back(const std::vector<Connection*>& taken, const Error& error) const;

  ConnectionTable& table_;
  ConnectionTable::Arrivals arrivals_;
  Behaviour& behaviour_;
  Handlers handlers_;
  HandOverChannel channel_;
};

}  // namespace tcp_echo
