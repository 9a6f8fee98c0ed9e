// The workers: one slot for each, with the process that fills it now, and those that finish beside it.
//
// Each part looks after its own: a Slot after its worker, Departures after the workers that have lost their
// places, a Changeover after those that are to get them, Lending after the listeners of slots without a
// worker, Clearings after the listeners of removed addresses. FleetPage says what concerns several of them,
// and in which order they settle: once per event, when the part that heard of it is done.
//
// Everything that changes workers on purpose (reload, scale, a single one's restart) is one movement:
// successors are started beside the workers that serve, and hold still until all of them are READY. Then they
// take the places, the former workers hand their connections over and leave. Until that moment a failure
// costs nothing.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/config/config.hpp"
#include "tcp_echo/fleet/connection_page.hpp"
#include "tcp_echo/fleet/fleet_record.hpp"
#include "tcp_echo/fleet/movement.hpp"
#include "tcp_echo/ipc/scoreboard.hpp"
#include "tcp_echo/listeners/generation.hpp"
#include "tcp_echo/loop/timekeeper.hpp"
#include "tcp_echo/process/lifeline.hpp"

namespace tcp_echo {

class FleetPage;

class Fleet {
 public:
  struct Handlers {
    std::function<void()> on_all_ready;           ///< once: the service is up
    std::function<void(Error)> on_start_failure;  ///< before that, for good; some workers may still run
    std::function<void()> on_change;              ///< ready_count() may have changed
    /// That worker wants a successor, and serves on until then.
    std::function<void(unsigned slot, pid_t worker)> on_leaving;
    std::function<void()> on_all_gone;  ///< after drain() or stop()
  };

  /// `clock`, `scoreboard` and `launcher` outlive the fleet.
  Fleet(Timekeeper& clock, Scoreboard& scoreboard, Launcher& launcher,
        std::shared_ptr<const Generation> generation, unsigned slots, Handlers handlers);
  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  void start();
  /// In place of start(): all goes on as the program before this one (an upgrade) has left it. Throws
  /// FatalError.
  void restore(const FleetRecord& record);
  /// The slots and the leavers as they are now. Not during a movement.
  FleetRecord record() const;
  /// One at a time, after on_all_ready and before the end.
  void move(Movement movement);
  /// Until those that lost their places have handed over, or it turns out that they cannot for now, and the
  /// last listener that was removed is closed: its address may be wanted again by what comes next.
  bool is_moving() const;
  /// Every worker takes the clients that wait in its accept queues, finishes what is under way, and leaves.
  void drain();
  /// Every worker closes everything and leaves, or is killed shortly after.
  void stop();

  /// Every worker logs to that descriptor from now on, and at that level, whatever its configuration says.
  void change_log(int descriptor, LogLevel level);

  /// Asks one worker for some of its connections. The first page waits while workers that have lost their
  /// places hand over.
  void list_connections(const ConnectionQuery& query, OnConnectionPage on_page);

  /// That serves now, and in which workers are started.
  std::shared_ptr<const Generation> generation() const;
  /// All workers have been READY at one time.
  bool is_up() const noexcept;
  /// drain() or stop() was called.
  bool is_ending() const noexcept;
  std::size_t ready_count() const;
  /// Those that have ever had a worker, from the first on.
  unsigned slots_with_a_past() const noexcept;
  /// 0 if the slot has none.
  pid_t worker_of(unsigned slot) const;

 private:
  std::unique_ptr<FleetPage> page_;
};

}  // namespace tcp_echo
