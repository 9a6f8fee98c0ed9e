// One client of the control socket: asks, waits, gets its answer, and may ask again. What it can hold up is
// bounded: a request has its longest length, and none of its states lasts for ever but the wait for a job.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "tcp_echo/base/ticket.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/control/record.hpp"
#include "tcp_echo/control/reply.hpp"
#include "tcp_echo/control/request.hpp"
#include "tcp_echo/loop/deadline.hpp"
#include "tcp_echo/loop/loop.hpp"
#include "tcp_echo/loop/poll.hpp"

namespace tcp_echo {

class ControlSession;

struct ControlSessionHandlers {
  /// To be answered with answer(), now or later.
  std::function<void(ControlSession&, const ControlRequest&)> on_request;
  /// It has nothing more to say, or has not kept to the rules. May destroy it.
  std::function<void(ControlSession&)> on_end;
};

class ControlSession {
 public:
  /// Loop, clock and handlers outlive it.
  ControlSession(Loop& loop, Timekeeper& clock, const ControlSessionHandlers& handlers, Ticket ticket,
                 UniqueFd socket);
  /// Goes on where another program has stopped. That may have known more requests than this one.
  ControlSession(Loop& loop, Timekeeper& clock, const ControlSessionHandlers& handlers,
                 const ControlSessionRecord& record, UniqueFd socket);

  /// Of what it has asked for; while it waits.
  void answer(const ControlReply& reply);

  Ticket ticket() const noexcept { return ticket_; }
  /// What it waits for, if it waits.
  const std::optional<ControlRequest>& request() const noexcept { return request_; }
  ControlSessionRecord record() const;

 private:
  enum class State {
    kAsks,   ///< its request is on its way
    kWaits,  ///< for the answer
    kReads,  ///< the answer
  };

  void enter(State state);
  void wait_for(Readiness what);
  void on_ready();
  void on_time();
  bool has_request() const;
  void read();
  void take_request();
  void take_up(const std::string& line);
  void write();

  const ControlSessionHandlers& handlers_;
  Ticket ticket_;
  UniqueFd socket_;
  State state_ = State::kAsks;
  bool has_finished_;   ///< it sends no more, or no more that counts
  std::string input_;   ///< what has come and is not taken yet
  std::string output_;  ///< what is left of the answer
  std::optional<ControlRequest> request_;
  Poll poll_;
  Deadline deadline_;
};

}  // namespace tcp_echo
