// The workers: starts one process per slot, hears from them, starts those again that end, stops them all.
//
// Every decision is slot_fsm's; this carries it out.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/config/config.hpp"
#include "tcp_echo/ipc/channel.hpp"
#include "tcp_echo/ipc/scoreboard.hpp"
#include "tcp_echo/loop/child_process.hpp"
#include "tcp_echo/loop/timer.hpp"
#include "tcp_echo/master/listener_set.hpp"
#include "tcp_echo/master/slot_fsm.hpp"

namespace tcp_echo {

class Fleet {
 public:
  struct Handlers {
    std::function<void()> on_all_ready;           ///< once: the service is up
    std::function<void(Error)> on_start_failure;  ///< before that, a worker failed; the others still run
    std::function<void()> on_all_gone;            ///< after drain() or stop()
  };
  /// What workers are started with; all of it outlives the fleet.
  struct Resources {
    const Config& config;
    const ListenerSet& listeners;
    Scoreboard& scoreboard;
    int executable;      ///< descriptor of the program to start
    int log_descriptor;  ///< becomes the workers' stderr
  };

  Fleet(Loop& loop, Resources resources, unsigned slots, Handlers handlers);
  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  void start();
  /// Every worker finishes what is under way and leaves.
  void drain();
  /// Every worker closes everything and leaves, or is killed shortly after.
  void stop();

 private:
  struct Slot;

  void handle(Slot& slot, SlotEvent event);
  void act(Slot& slot, SlotAction action);
  void kill(Slot& slot);
  void spawn(Slot& slot);
  Result<void> try_spawn(Slot& slot);
  Result<std::unique_ptr<Channel>> open_control(Slot& slot, UniqueFd fd);
  void introduce(Slot& slot);
  void on_message(Slot& slot, const Message& message);
  void on_nonsense(Slot& slot, const DecodeError& error);
  void on_late(Slot& slot);
  void on_serving(Slot& slot);
  void on_exit(Slot& slot, const ExitStatus& status);
  void schedule_spawn(Slot& slot);
  void on_gone();
  void tell(Slot& slot, const Message& message, std::span<const int> descriptors = {});
  std::size_t free_block() const;
  void publish(const Slot& slot, WorkerState state);
  static std::string name(const Slot& slot);

  Loop& loop_;
  Resources resources_;
  Handlers handlers_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<bool> blocks_in_use_;
  bool all_were_ready_ = false;
  bool start_failed_ = false;
};

}  // namespace tcp_echo
