// What a master says to other programs of its machine: a sealed file that lies in no folder
// (memfd_create(2)), found by its name through /proc/PID/fd (proc(5)). So it needs no place that may be
// written to, leaves nothing behind, and is only for processes that may look into the master.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo {

/// The path of its control socket.
inline constexpr const char* kControlNotice = "tcp-echo-control";

/// Puts a notice up, for as long as the descriptor is open; close-on-exec. What it says does not change.
Result<UniqueFd> put_up_text_notice(const char* name, const std::string& text);

struct TextNotice {
  pid_t pid = 0;
  std::string text;
};

/// Those of that name that are up at this moment in our network namespace: of one process, or of all that
/// this one may look into (ptrace(2), PTRACE_MODE_READ: same user, and no capability that we lack). A process
/// that has only just been forked has what its parent has, and does not count.
std::vector<TextNotice> find_text_notices(const char* name, std::optional<pid_t> of = {});

}  // namespace tcp_echo
