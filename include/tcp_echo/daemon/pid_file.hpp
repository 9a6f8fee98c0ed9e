// The file that holds the master's pid, for scripts and for the next start: a lock on it (flock(2)) says
// whether a master runs, so a pid that was left behind, or that is another program's by now, does not keep
// the next start away.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo {

class PidFile {
 public:
  /// Makes or takes over the file, locks it, and writes this process's pid. Fails with kCantCreate if another
  /// process holds it (the error names that one), if it cannot be made, and if it is there and holds
  /// something else than a pid: that file is not ours to overwrite.
  static Result<PidFile> hold(const std::string& path);

  /// The file that this process holds already, through a descriptor that outlived an execve(2).
  static PidFile restore(std::string path, UniqueFd fd) { return {std::move(path), std::move(fd)}; }
  int fd() const noexcept { return fd_.get(); }

  /// The file is removed, unless another one has taken its name.
  ~PidFile();
  PidFile(PidFile&&) = default;
  PidFile& operator=(PidFile&&) = delete;
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;

 private:
  PidFile(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  std::string path_;
  UniqueFd fd_;  ///< close-on-exec: no child keeps the lock
};

/// The pid in the file; another program may run under it by now. Fails with kUnavailable if there is none.
Result<pid_t> read_pid_file(const std::string& path);

}  // namespace tcp_echo
