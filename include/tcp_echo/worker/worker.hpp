// The worker's page: one process, one loop, its share of the connections.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "tcp_echo/base/exit_code.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/config/config.hpp"
#include "tcp_echo/echo/acceptor.hpp"
#include "tcp_echo/echo/connection_table.hpp"
#include "tcp_echo/ipc/channel.hpp"
#include "tcp_echo/ipc/scoreboard.hpp"
#include "tcp_echo/loop/signal.hpp"
#include "tcp_echo/loop/timer.hpp"
#include "tcp_echo/worker/worker_fsm.hpp"

namespace tcp_echo {

/// What a worker is born with; everything else comes in the master's first message.
struct WorkerBirth {
  unsigned slot = 0;  ///< counted from 1
  UniqueFd control;
  std::vector<UniqueFd>
      listeners;  ///< borrowed from the master, which keeps its own descriptors on the same sockets
};

class Worker {
 public:
  /// Throws FatalError if the control channel cannot be used.
  explicit Worker(WorkerBirth birth);

  /// Serves until the master, a signal or the end of the control channel says otherwise.
  ExitCode run();

 private:
  void handle(WorkerEvent event) noexcept;
  void act(WorkerAction action);
  void on_message(const Message& message, std::vector<UniqueFd> descriptors);
  void on_nonsense(const DecodeError& error);
  void configure(const ConfigureMessage& message, std::vector<UniqueFd> descriptors);
  void serve();
  void drain();
  void close_all();
  void on_connection_gone() noexcept;
  void fail(ExitCode code, const std::string& why) noexcept;

  Loop loop_;
  WorkerBirth birth_;
  WorkerPhase phase_ = WorkerPhase::kConfiguring;
  ExitCode exit_code_ = ExitCode::kOk;
  Config config_;
  std::optional<Scoreboard> scoreboard_;
  EchoBehaviour echo_;
  std::unique_ptr<ConnectionTable> connections_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  Timer deadline_;
  Signal terminate_;
  Signal quit_;
  Channel control_;
  std::size_t block_ = 0;
};

}  // namespace tcp_echo
