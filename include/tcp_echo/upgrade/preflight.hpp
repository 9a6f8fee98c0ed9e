// Asks another program whether it could take this master's place, by running it: it reads the real state and
// the real configuration, and stops before it would do anything.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/loop/child_process.hpp"
#include "tcp_echo/loop/timer.hpp"

namespace tcp_echo {

class Preflight {
 public:
  /// Begins at once. `program` and `state` are descriptors, borrowed for the call. `on_done` is called once,
  /// from the loop, with what is in the way if anything is; the object may be destroyed in it.
  static Result<std::unique_ptr<Preflight>> start(Loop& loop, Reaper& reaper, int program, int state,
                                                  const std::vector<std::string>& arguments,
                                                  std::chrono::milliseconds timeout,
                                                  std::function<void(const Result<void>&)> on_done);
  /// One that still runs is killed.
  ~Preflight();
  Preflight(const Preflight&) = delete;
  Preflight& operator=(const Preflight&) = delete;

 private:
  Preflight(Loop& loop, std::chrono::milliseconds timeout, std::function<void(const Result<void>&)> on_done);
  void on_exit(const ExitStatus& status);
  Result<void> verdict(const ExitStatus& status) const;

  std::chrono::milliseconds timeout_;
  std::function<void(const Result<void>&)> on_done_;
  UniqueFd answer_;
  UniqueFd complaint_;
  bool is_late_ = false;
  Timer late_;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace tcp_echo
