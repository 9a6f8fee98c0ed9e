// A child process: uv_process_t, http://docs.libuv.org/en/v1.x/process.html
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tcp_echo/loop/loop.hpp"

namespace tcp_echo {

struct ExitStatus {
  std::int64_t code = 0;
  int signal = 0;  ///< 0: it exited by itself

  bool is_clean() const noexcept { return code == 0 && signal == 0; }
  /// "exited with code 3", "died from SIGSEGV".
  std::string text() const;
};

struct SpawnRequest {
  std::string file;                    ///< path of the program
  std::vector<std::string> arguments;  ///< argv, the first is its name
  /// The child's descriptor i is a copy of descriptors[i]. -1 is /dev/null for the first three, closed for
  /// the rest.
  std::vector<int> descriptors;
};

class ChildProcess {
 public:
  /// In a session of its own, with default signal dispositions and this process's environment.
  /// `on_exit` is called once, after the child was reaped; the object may be destroyed in it. An object
  /// destroyed earlier leaves its child running, unwatched.
  static Result<std::unique_ptr<ChildProcess>> spawn(Loop& loop, const SpawnRequest& request,
                                                     std::function<void(const ExitStatus&)> on_exit);

  pid_t pid() const noexcept { return handle_.raw()->pid; }

  /// A child that is gone already is no error.
  void kill(int signal) noexcept;

 private:
  using ProcessHandle = Handle<uv_process_t, std::function<void(const ExitStatus&)>>;
  explicit ChildProcess(std::function<void(const ExitStatus&)> on_exit) : handle_(std::move(on_exit)) {}
  ProcessHandle handle_;
};

}  // namespace tcp_echo
