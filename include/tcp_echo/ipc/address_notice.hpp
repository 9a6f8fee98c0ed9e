// Where a service can be reached, for --probe on the same machine; see text_notice.hpp.
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

/// Those that are up at this moment: of one process, or of all that this one may look into.
std::vector<AddressNotice> find_notices(std::optional<pid_t> of = {});

}  // namespace tcp_echo
