// What operators ask over the control socket, and who does it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/ticket.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/config/config.hpp"
#include "tcp_echo/control/server.hpp"
#include "tcp_echo/fleet/fleet.hpp"
#include "tcp_echo/ipc/scoreboard.hpp"
#include "tcp_echo/jobs/jobs.hpp"
#include "tcp_echo/loop/loop.hpp"
#include "tcp_echo/loop/timer.hpp"
#include "tcp_echo/master/service_report.hpp"

namespace tcp_echo {

/// The socket that the configuration asks for. With "auto" the service does without if there is no place for
/// it, or another one has it; the log says so. Throws FatalError if a place was named and cannot be had.
std::optional<ControlSocket> hold_control_socket(const Config& config);

class Steering {
 public:
  /// What it needs of the master.
  class Host {
   public:
    virtual ~Host() = default;
    /// Gracefully, unless it is under way already.
    virtual void stop_for(const std::string& who) = 0;
    /// The log level that holds now, after a change to that one unless it is empty.
    virtual Result<std::string> log_level(const std::string& wanted) = 0;
  };

  /// All of them outlive it. `socket`: none if there is nothing to answer.
  Steering(Loop& loop, Fleet& fleet, Jobs& jobs, ServiceReport& report, Scoreboard& scoreboard, Host& host,
           std::optional<ControlSocket> socket);

  /// Goes on where another program has stopped. Should that fail the service does without, and the log says
  /// so.
  void restore(const ControlRecord& record);
  ControlRecord record() const;

  /// Of a job.
  void answer(Ticket ticket, const Outcome& outcome);
  /// No job is begun any more: those who wait for one are told.
  void on_stopping();
  /// The last moment.
  void on_stopped();

 private:
  void on_request(Ticket ticket, const ControlRequest& request);
  void tell_status(Ticket ticket);
  void follow(Ticket ticket, const ControlRequest& request);
  void tell_events(Ticket ticket, const ControlRequest& request);
  void look_for_events();
  void list_connections(Ticket ticket, const ControlRequest& request);
  void tell_connections(Ticket ticket, const ConnectionPage& page);
  void restart(Ticket ticket, unsigned slot);
  ControlServer::OnRequest listener();
  void put_up_notice_of(const std::string& path);

  Loop& loop_;
  Fleet& fleet_;
  Jobs& jobs_;
  ServiceReport& report_;
  Scoreboard& scoreboard_;
  Host& host_;
  std::unique_ptr<ControlServer> server_;
  UniqueFd notice_;  ///< of where it is
  Timer next_look_;  ///< for events, while somebody waits for one
};

}  // namespace tcp_echo
