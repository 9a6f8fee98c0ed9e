// Starts processes of this very program, each with a control channel of its own.
#pragma once

#include <memory>
#include <vector>

#include "tcp_echo/daemon/credentials.hpp"
#include "tcp_echo/loop/loop.hpp"
#include "tcp_echo/process/lifeline.hpp"

namespace tcp_echo {

/// What every child is started with. Descriptors are borrowed.
struct LaunchSettings {
  Credentials credentials;  ///< the user and group that it runs as
  int executable = -1;      ///< the program to start
  int log_descriptor = -1;  ///< becomes its stderr, with its O_NONBLOCK
};

class ProgramLauncher final : public Launcher {
 public:
  /// `loop` and `reaper` outlive it and all that it has started.
  ProgramLauncher(Loop& loop, Reaper& reaper, const LaunchSettings& settings)
      : loop_(loop), reaper_(reaper), settings_(settings) {}

  Result<std::unique_ptr<Lifeline>> start(const ChildRole& role, unsigned number,
                                          const std::vector<int>& listeners, Lifeline::Ear& ear) override;
  std::unique_ptr<Lifeline> adopt(const ChildRecord& record, Lifeline::Ear& ear) override;

 private:
  Loop& loop_;
  Reaper& reaper_;
  LaunchSettings settings_;
};

}  // namespace tcp_echo
