// Puts another program in the place of this one, in the same process: execve(2), once a preflight has said
// that it can take over. That program may go back to the one that it came from.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/loop/loop.hpp"
#include "tcp_echo/loop/reaper.hpp"
#include "tcp_echo/upgrade/preflight.hpp"
#include "tcp_echo/upgrade/upgrade_state.hpp"

namespace tcp_echo {

class ProgramChange {
 public:
  struct Handlers {
    std::function<UpgradeState()>
        record;                    ///< what the next program is left with; nothing may change after it
    std::function<bool()> is_off;  ///< the service ends: there is nothing to take over
    std::function<void(Error)> on_failure;  ///< this program goes on as before
  };

  /// `path` is where the next program is found, and `arguments` are those that this one was called with.
  /// `program` is this one's own file, borrowed; loop and reaper outlive the object.
  ProgramChange(Loop& loop, Reaper& reaper, std::string path, std::vector<std::string> arguments, int program,
                Handlers handlers);

  /// Asks the file at the path, and stops the loop once it says that it can; is_due() then. It has `timeout`
  /// to answer.
  void begin(std::chrono::milliseconds timeout);
  /// The loop was stopped for it: carry_out() has to be called, from outside of the loop.
  bool is_due() const noexcept { return is_due_; }
  /// Does not return if it succeeds.
  void carry_out();

  /// This program has taken over, and may go back to the former one, whose file that is, until it has proved
  /// itself.
  void came_from(UniqueFd former) { former_ = std::move(former); }
  bool may_go_back() const noexcept { return static_cast<bool>(former_); }
  void prove() noexcept { former_.reset(); }
  /// The former program has served before, and needs no preflight: is_due() at once.
  void go_back();

 private:
  void fail(const Error& error);
  void on_preflight(const Result<void>& done);
  Result<void> execute(const UniqueFd& state_file, const std::vector<int>& descriptors);

  Loop& loop_;
  Reaper& reaper_;
  std::string path_;
  std::vector<std::string> arguments_;
  int program_;
  Handlers handlers_;
  UniqueFd next_;    ///< while a change is under way
  UniqueFd former_;  ///< until this program has shown that it can serve
  std::unique_ptr<Preflight> preflight_;
  bool is_due_ = false;
  bool goes_back_ = false;
};

}  // namespace tcp_echo
