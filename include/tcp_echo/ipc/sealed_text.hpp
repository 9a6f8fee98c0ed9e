// Text for another process, in a file that lies in no folder and cannot change any more (memfd_create(2),
// F_ADD_SEALS in fcntl(2)). The seals also tell it from any other file.
#pragma once

#include <string>
#include <string_view>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo {

/// There for as long as the descriptor is open; close-on-exec. The name is what /proc/PID/fd shows.
Result<UniqueFd> seal_text(const std::string& name, std::string_view text);

/// What seal_text() wrote, as often as it is asked for; kSoftware if that is no such file.
Result<std::string> read_sealed_text(int fd);

}  // namespace tcp_echo
