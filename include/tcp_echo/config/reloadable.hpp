// What a reload cannot change: the option table says it row by row.
#pragma once

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/config/config.hpp"

namespace tcp_echo {

/// Fails with kConfig, and names the option, if `next` differs from `now` in one that a reload cannot change.
Result<void> check_reloadable(const Config& now, const Config& next);

}  // namespace tcp_echo
