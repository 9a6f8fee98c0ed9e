// The status for eyes: what state the service is in, in a sentence, and tables of listeners and workers.
// Pure.
#pragma once

#include <string>
#include <string_view>

#include "style.hpp"
#include "tcp_echo/base/error.hpp"

namespace tcp_echo {

/// Of what a master answers to "status". Fails with kSoftware if that is something else.
Result<std::string> status_view(std::string_view json, Style style);

}  // namespace tcp_echo
