// Which version of tcp-echo this program is.
#pragma once

#include <string_view>

namespace tcp_echo {

/// As project() in CMakeLists.txt has it: "0.1.0".
std::string_view version() noexcept;

}  // namespace tcp_echo
