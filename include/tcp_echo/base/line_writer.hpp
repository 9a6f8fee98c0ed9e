// Writes the lines of a log to a descriptor, and never lets the loop that logs wait for their reader.
//
// A pipe, a socket or a terminal takes nothing more once its reader stops reading. write(2) would then wait,
// and with it the loop: a whole service would stand still because of an operator's `| less`. O_NONBLOCK alone
// is no way out: it belongs to the open file description, which a process shares with all that inherited it,
// so the shell that started us would find its own terminal changed. Hence:
//
// - The master makes a description of its own, once (own_description()), and passes that one on to its
//   workers. There O_NONBLOCK disturbs no other program.
// - Where it cannot have its own (a socket cannot be opened anew, a pipe of another user may not be, /proc
//   may be missing), each single write is made in a way that does not wait: see LineWriter::look().
#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo {

/// Another descriptor for what `fd` leads to. Of pipes and terminals it is one that does not wait and shares
/// no flags with `fd`, if this process may open them; otherwise it is a plain copy. Not inherited. kOsError.
Result<UniqueFd> own_description(int fd);

class LineWriter {
 public:
  /// How long all the writes of a second may wait together. Some lines at once, as at a stop, need more room
  /// than some readers give (10 lines, for syslog without systemd), though they read as fast as they can. A
  /// reader that has stalled costs a loop no more than a hundredth of its time.
  static constexpr std::chrono::milliseconds kPatience{10};

  /// `fd` is borrowed; -1 for none yet.
  explicit LineWriter(int fd, std::chrono::milliseconds patience = kPatience);

  void use(int fd);
  /// Something else was put in the place of the descriptor.
  void look_again() { use(fd_); }

  /// 0 if all of it was taken, otherwise errno: EAGAIN if that would have meant to wait. Of a line of which
  /// only a part was taken the rest is dropped, and the next one begins with a line break. A pipe takes no
  /// more than PIPE_BUF bytes of a line, so that it gets each as a whole and unmixed (pipe(7)).
  int write(std::string_view line);

 private:
  enum class Way { kPlain, kSocket, kPipe, kTerminal };

  Way look() const;
  int put(std::string_view text);
  std::ptrdiff_t write_some(std::string_view text) const;
  bool gets_room();

  int fd_ = -1;
  Way way_ = Way::kPlain;
  std::size_t longest_ = std::string_view::npos;  ///< bytes of a line
  bool is_torn_ = false;                          ///< the last line lacks its end
  std::chrono::milliseconds patience_;
  std::chrono::nanoseconds patience_left_{};
  std::chrono::steady_clock::time_point patience_returns_{};
};

}  // namespace tcp_echo
