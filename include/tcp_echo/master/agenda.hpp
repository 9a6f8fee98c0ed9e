// What the master was asked for and has not begun with: signals come at any time, and one thing is done at a
// time. Requests for the same thing merge, none is lost. Pure.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <optional>

namespace tcp_echo {

/// One thing to do.
struct Job {
  enum class Kind : std::uint8_t {
    kUpgrade,
    kReload,
    kScale,    ///< by so many workers; less than 0: fewer
    kRestart,  ///< of a slot's worker, as long as it is still that one
  };
  Kind kind = Kind::kReload;
  int by = 0;
  unsigned slot = 0;  ///< from 0
  pid_t worker = 0;
  bool operator==(const Job&) const = default;
};

class Agenda {
 public:
  void ask_for_upgrade() noexcept { upgrade_ = true; }
  void ask_for_reload() noexcept { reload_ = true; }
  void ask_for_workers(int by) noexcept { by_ += by; }
  void ask_for_restart(unsigned slot, pid_t worker);

  /// What is to be done next, and is off the agenda then; nothing if there is nothing to do. The more it
  /// renews the earlier it comes, for it may do with what comes later.
  std::optional<Job> next();

  // What is on it, for a program that takes over.
  bool upgrade_is_asked() const noexcept { return upgrade_; }
  bool reload_is_asked() const noexcept { return reload_; }
  int workers_asked() const noexcept { return by_; }
  const std::deque<Job>& restarts_asked() const noexcept { return restarts_; }

 private:
  bool upgrade_ = false;
  bool reload_ = false;
  int by_ = 0;
  std::deque<Job> restarts_;
};

}  // namespace tcp_echo
