// The worker's page: one process, one loop, its share of the connections.
#pragma once

#include <list>
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
#include "tcp_echo/worker/hand_over.hpp"
#include "tcp_echo/worker/take_over.hpp"
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
  /// Where connections are taken for a slot: the own one, or one whose listeners were lent to this worker.
  struct Desk {
    unsigned slot;
    std::unique_ptr<Acceptor> acceptor;
  };

  /// Where the last clients of an address are taken that is served no more.
  struct Clearing {
    std::uint32_t number;
    std::unique_ptr<Acceptor> acceptor;
  };

  void handle(WorkerEvent event) noexcept;
  void act(WorkerAction action);
  void on_message(const Message& message, std::vector<UniqueFd> descriptors);
  void on_nonsense(const DecodeError& error);
  void on_channel_closed();
  void configure(const ConfigureMessage& message, std::vector<UniqueFd> descriptors);
  void serve();
  void ask_for_successor();
  void move_out();
  void retire();
  void drain();
  void drain_alone();
  void close_all();
  void lend(const LendMessage& message, std::vector<UniqueFd> descriptors);
  void take_back(const TakeBackMessage& message);
  void begin_to_accept();
  void take_over(std::vector<UniqueFd> descriptors);
  void clear(const ClearMessage& message, std::vector<UniqueFd> descriptors);
  void give_up(const GiveUpMessage& message);
  void let_go();
  void on_clear(std::uint32_t number) noexcept;
  void on_stranded();
  void pass_on();
  void say(const Message& message) noexcept;
  void change_log(const std::vector<UniqueFd>& descriptors);
  std::unique_ptr<Acceptor> acceptor_on(UniqueFd listener);
  void accept_for(unsigned slot, UniqueFd listener);
  bool some_may_be_deaf() const;
  bool has_emptied_queues() const;
  void on_acceptor_finished() noexcept;
  void on_connection_gone() noexcept;
  void leave_if_done();
  void begin_to_end();
  void beat();
  void fail(ExitCode code, const std::string& why) noexcept;

  Loop loop_;
  WorkerBirth birth_;
  WorkerPhase phase_ = WorkerPhase::kConfiguring;
  ExitCode exit_code_ = ExitCode::kOk;
  Config config_;
  std::optional<Scoreboard> scoreboard_;
  EchoBehaviour echo_;
  std::unique_ptr<ConnectionTable> connections_;
  std::vector<Desk> desks_;
  std::vector<Clearing> clearings_;
  std::list<std::optional<TakeOver>> predecessors_;  ///< each erases itself
  std::unique_ptr<HandOver> hand_over_;
  UniqueFd successor_;  ///< the channel to it, between its message and the step
  Timer heartbeat_;
  Timer deadline_;
  Timer master_check_;
  Signal terminate_;
  Signal quit_;
  Channel control_;
  std::size_t block_ = 0;
  bool shares_listeners_ = false;
  bool waits_ = false;                       ///< for ACCEPT
  std::uint64_t recycle_after_ = 0;          ///< connections; 0: never
  std::chrono::milliseconds time_to_end_{};  ///< once it begins to end
  bool is_alone_ = false;                    ///< the control channel has ended
};

}  // namespace tcp_echo
