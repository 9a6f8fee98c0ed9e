#include "tcp_echo/base/version.hpp"

#include "tcp_echo/config.h"

namespace tcp_echo {

std::string_view version() noexcept { return TCP_ECHO_VERSION; }

}  // namespace tcp_echo
