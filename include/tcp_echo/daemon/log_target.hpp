// Where master and workers log: one descriptor, whose number stays the same when the file behind it changes.
#pragma once

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/config/config.hpp"

namespace tcp_echo {

/// The log file; without one stderr, or nothing in the background, where nobody reads stderr and an open
/// terminal would be held. kCantCreate if the file cannot be opened.
Result<UniqueFd> open_log(const Config& config);

}  // namespace tcp_echo
