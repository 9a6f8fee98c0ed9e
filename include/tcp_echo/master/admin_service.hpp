// The admin process as its master sees it: which one there is to be, what it is told, and the history that is
// kept for it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "tcp_echo/config/config.hpp"
#include "tcp_echo/ipc/event_log.hpp"
#include "tcp_echo/ipc/scoreboard.hpp"
#include "tcp_echo/listeners/generation.hpp"
#include "tcp_echo/loop/timekeeper.hpp"
#include "tcp_echo/process/keeper.hpp"
#include "tcp_echo/process/lifeline.hpp"
#include "tcp_echo/status/history.hpp"

namespace tcp_echo {

class AdminService final : private Keeper::Host {
 public:
  struct Handlers {
    std::function<void()> on_watched;  ///< regularly: somebody may look at the figures
    std::function<void()> on_settled;  ///< holds_removed_listeners() may have changed
    std::function<void()> on_gone;     ///< after end()
  };

  /// All of them outlive it.
  AdminService(Timekeeper& clock, Launcher& launcher, Scoreboard& scoreboard, Handlers handlers);

  /// As that generation wants it; nothing changes while its number stays the same.
  void serve(std::shared_ptr<const Generation> generation);
  /// It tells to the last that the service ends, and goes then.
  void end();
  /// Of an address that a reload has removed, until those who wait there have been answered.
  bool holds_removed_listeners() const { return keeper_.holds_removed_listeners(); }
  /// It logs to that descriptor from now on, and at that level, whatever its configuration says.
  void change_log(int descriptor, LogLevel level);

  KeeperRecord record() const { return keeper_.record(); }
  /// In place of serve(). Throws FatalError.
  void restore(const KeeperRecord& record, std::shared_ptr<const Generation> generation);

 private:
  void introduce(Child& child) override;
  void on_beat(Child& child) override;
  void on_failure() override;
  void on_left() override { handlers_.on_settled(); }
  void on_gone() override { handlers_.on_gone(); }
  KeeperPlan plan() const;

  Timekeeper& clock_;
  Scoreboard& scoreboard_;
  EventLog events_;
  Handlers handlers_;
  std::shared_ptr<const Generation> generation_;
  std::optional<LogLevel> log_level_;
  std::chrono::milliseconds next_look_{};  ///< for on_watched
  History history_;                        ///< kept while there is an address to show it on
  Keeper keeper_;
};

}  // namespace tcp_echo
