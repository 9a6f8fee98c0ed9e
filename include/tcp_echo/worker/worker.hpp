// The worker's page: one process, one loop, its share of the connections.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tcp_echo/base/exit_code.hpp"
#include "tcp_echo/base/listener_id.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/config/config.hpp"
#include "tcp_echo/echo/behaviour.hpp"
#include "tcp_echo/echo/connection_table.hpp"
#include "tcp_echo/ipc/directed_channel.hpp"
#include "tcp_echo/ipc/scoreboard.hpp"
#include "tcp_echo/loop/signal.hpp"
#include "tcp_echo/loop/timer.hpp"

namespace tcp_echo {

class Desks;
class HandOver;
class TakeOver;
class Vitals;
// Of the worker's table, src/worker/worker_fsm.hpp.
enum class WorkerPhase : std::uint8_t;
enum class WorkerEvent : std::uint8_t;
enum class WorkerAction : std::uint8_t;

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
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();

  /// Serves until the master, a signal or the end of the control channel says otherwise.
  ExitCode run();

 private:
  void handle(WorkerEvent event) noexcept;
  void act(WorkerAction action);
  void on_message(const ToWorker& received, std::vector<UniqueFd> descriptors);
  void on_nonsense(const DecodeError& error);
  void on_channel_closed();
  void configure(const ConfigureMessage& message, std::vector<UniqueFd> descriptors);
  void serve();
  void move_out();
  void retire();
  void drain();
  void close_all();
  void lend(const LendMessage& message, std::vector<UniqueFd> descriptors);
  void take_back(const TakeBackMessage& message);
  void clear(const ClearMessage& message, std::vector<UniqueFd> descriptors);
  void take_over(std::vector<UniqueFd> descriptors);
  void pass_on();
  void on_stranded();
  void on_cleared(std::uint32_t number) noexcept;
  void on_emptied() noexcept;
  void on_connection_gone() noexcept;
  void leave_if_done();
  void begin_to_end();
  void say(const ToMaster& message) noexcept;
  void beat();
  void fail(ExitCode code, const std::string& why) noexcept;

  Loop loop_;
  WorkerBirth birth_;
  WorkerPhase phase_{};  ///< kConfiguring
  ExitCode exit_code_ = ExitCode::kOk;
  Config config_;
  std::optional<Scoreboard> scoreboard_;
  EchoBehaviour echo_;
  std::unique_ptr<ConnectionTable> connections_;  ///< once it is configured
  std::unique_ptr<Desks> desks_;
  std::list<std::unique_ptr<TakeOver>> predecessors_;  ///< each erases itself
  std::unique_ptr<HandOver> hand_over_;
  UniqueFd successor_;  ///< the channel to it, between its message and the step
  Timer heartbeat_;
  std::chrono::nanoseconds due_beat_{};  ///< when the next one is due
  std::unique_ptr<Vitals> vitals_;       ///< once it is configured
  Timer deadline_;
  Timer master_check_;
  Signal terminate_;
  Signal quit_;
  WorkersChannel control_;
  std::size_t block_ = 0;
  std::vector<ListenerId> listener_ids_;  ///< of those that it was started with
  bool shares_listeners_ = false;
  bool waits_ = false;                       ///< for ACCEPT, as it begins to serve
  std::uint64_t recycle_after_ = 0;          ///< connections; 0: never
  std::chrono::milliseconds time_to_end_{};  ///< once it begins to end
  bool is_alone_ = false;                    ///< the control channel has ended
  unsigned looks_for_master_ = 0;            ///< since then
};

}  // namespace tcp_echo
