// Answers the clients of the control socket: one JSON object a line each way (request.hpp, reply.hpp). It
// knows nothing of workers; what is asked goes to whoever it is given, and the answer comes back with the
// ticket of the one who asked.
//
// Only the master's own user and root are heard. At most kMostControlClients are connected; one that takes
// longer than 5 s to send a request or to read an answer is dropped. Nothing here makes the loop wait.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "tcp_echo/base/ticket.hpp"
#include "tcp_echo/control/record.hpp"
#include "tcp_echo/control/reply.hpp"
#include "tcp_echo/control/request.hpp"
#include "tcp_echo/control/socket.hpp"
#include "tcp_echo/loop/loop.hpp"
#include "tcp_echo/loop/poll.hpp"
#include "tcp_echo/loop/timer.hpp"

namespace tcp_echo {

inline constexpr std::size_t kMostControlClients = 32;

class ControlSession;
struct ControlSessionHandlers;

class ControlServer {
 public:
  /// Is told of each request, which is to be answered with answer(), at once or later.
  using OnRequest = std::function<void(Ticket, const ControlRequest&)>;

  /// Throws FatalError. Loop and clock, which are one and the same but in tests, outlive it.
  ControlServer(Loop& loop, Timekeeper& clock, ControlSocket socket, OnRequest on_request);
  /// Goes on where another program has stopped; works on copies of the descriptors. Throws FatalError.
  ControlServer(Loop& loop, Timekeeper& clock, const ControlRecord& record, OnRequest on_request);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  /// One that has gone is passed over.
  void answer(Ticket ticket, const ControlReply& reply);

  struct Waiting {
    Ticket ticket = 0;
    ControlRequest request;
  };
  std::vector<Waiting> waiting() const;

  ControlRecord record() const;

 private:
  void restore(const ControlRecord& record);
  void listen();
  void welcome();
  void welcome(UniqueFd client);

  Loop& loop_;
  Timekeeper& clock_;
  ControlSocket socket_;
  OnRequest on_request_;
  std::unique_ptr<const ControlSessionHandlers> handlers_;
  Ticket last_ticket_ = 0;
  std::map<Ticket, std::unique_ptr<ControlSession>> sessions_;
  Timer recovery_;  ///< rings when clients are accepted again
  Poll poll_;
};

}  // namespace tcp_echo
