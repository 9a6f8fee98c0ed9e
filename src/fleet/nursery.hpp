// Starts workers, tells each its configuration, and adds what it has counted to its slot's past after its
// death.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/config/config.hpp"
#include "tcp_echo/ipc/event_log.hpp"
#include "tcp_echo/ipc/scoreboard.hpp"
#include "tcp_echo/listeners/generation.hpp"
#include "tcp_echo/process/child.hpp"

namespace tcp_echo {

/// How a worker ended.
struct Death {
  std::string text;
  bool is_clean = false;
  std::chrono::milliseconds served_for{};          ///< 0: it never became READY
  RestartReason reason = RestartReason::kNoStart;  ///< why another one is started
};

/// Logs `text`, which tells of it. An end that was not clean is an event, too.
void announce(const Death& death, const std::string& text, EventLog& events);

/// The worker has paused accepting, and has logged that itself.
void note_limit(const Child& worker, const LimitMessage& limit, EventLog& events);

class Nursery {
 public:
  /// All of them outlive it and its workers. `on_gone` is called for each that has ended.
  Nursery(Timekeeper& clock, Scoreboard& scoreboard, Launcher& launcher,
          std::function<void(const Child&)> on_gone);

  /// The process runs and was sent CONFIGURE. A worker that this did not reach does not become READY, or
  /// exits: `holder` hears of that. `waits`: it accepts no client before ACCEPT. `slot` is counted from 0,
  /// here and below.
  Result<std::unique_ptr<Child>> start(unsigned slot, const Generation& generation, bool waits,
                                       Child::Holder& holder);
  /// One that another program has started; what its record does not tell is as in `generation`. Throws
  /// FatalError if its channel cannot be used.
  std::unique_ptr<Child> adopt(unsigned slot, const ChildRecord& record, const Generation& generation,
                               Child::Holder& holder);
  /// Those that are started from now on log at that level, whatever their configuration says.
  void use_log_level(LogLevel level) { log_level_ = level; }
  /// The worker has ended: what it counted is its slot's past now, and its block is free for the next one.
  Death bury(unsigned slot, const Child& child, const ExitStatus& status);

  const WorkerCounters& counters_of(const Child& child) const { return scoreboard_.block(child.block()); }

 private:
  ChildPost post_for(unsigned slot, std::size_t block, const Generation& generation) const;
  std::string configuration_in(const Generation& generation) const;
  void take_block(std::size_t block, unsigned slot);

  Timekeeper& clock_;
  Scoreboard& scoreboard_;
  Launcher& launcher_;
  std::function<void(const Child&)> on_gone_;
  std::vector<bool> blocks_in_use_;
  std::optional<LogLevel> log_level_;
};

}  // namespace tcp_echo
