// A child process, started with uv_spawn (http://docs.libuv.org/en/v1.x/process.html) and reaped by a Reaper.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tcp_echo/loop/loop.hpp"
#include "tcp_echo/loop/reaper.hpp"

namespace tcp_echo {

struct SpawnRequest {
  std::string file;                    ///< path of the program
  std::vector<std::string> arguments;  ///< argv, the first is its name
  /// The child's descriptor i is a copy of descriptors[i]. -1 is /dev/null for the first three, closed for
  /// the rest.
  std::vector<int> descriptors;
  std::optional<uid_t> user = {};   ///< the child runs as that user, without supplementary groups
  std::optional<gid_t> group = {};  ///< as user
};

class ChildProcess {
 public:
  /// In a session of its own, with default signal dispositions and this process's environment.
  /// `on_exit` is called once, after the child was reaped; the object may be destroyed in it. An object
  /// destroyed earlier leaves its child running, unwatched. `reaper` outlives the object.
  static Result<std::unique_ptr<ChildProcess>> spawn(Loop& loop, Reaper& reaper, const SpawnRequest& request,
                                                     std::function<void(const ExitStatus&)> on_exit);
  /// A child that was started before an execve(2), and is still one.
  static std::unique_ptr<ChildProcess> adopt(Reaper& reaper, pid_t pid,
                                             std::function<void(const ExitStatus&)> on_exit);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const noexcept { return pid_; }

  /// A child that is gone already is no error.
  void kill(int signal) const noexcept;

 private:
  ChildProcess(Reaper& reaper, pid_t pid, std::function<void(const ExitStatus&)> on_exit);

  Reaper& reaper_;
  pid_t pid_;
  bool is_reaped_ = false;
};

}  // namespace tcp_echo
