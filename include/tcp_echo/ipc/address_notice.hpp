// Where a service can be reached, for --probe on the same machine: a file that lies in no folder
// (memfd_create(2)), found through /proc/PID/fd (proc(5)). So it needs no place that may be written to,
// leaves nothing behind, and is only for processes that may look into the master.
#pragma once

#include <sys/types.h>

#include <optional>
#include <vector>

#include "tcp_echo/base/endpoint.hpp"
#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo {

/// Puts a notice up, for as long as the descriptor is open; close-on-exec. What it says does not change: for
/// other addresses another one takes its place.
Result<UniqueFd> put_up_notice(const std::vector<Endpoint>& endpoints);

struct AddressNotice {
  pid_t pid = 0;
  std::vector<Endpoint> endpoints;
};

/// Those that are up at this moment in our network namespace: of one process, or of all that this one may
/// look into (ptrace(2), PTRACE_MODE_READ: same user, and no capability that we lack). A process that has
/// only just been forked has what its parent has, and does not count.
std::vector<AddressNotice> find_notices(std::optional<pid_t> of = {});

}  // namespace tcp_echo
