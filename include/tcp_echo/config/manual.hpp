// What there is to say of the daemon beside its options. --help, README and the man page list the same rows.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "tcp_echo/base/help.hpp"

namespace tcp_echo {

/// What the master does on each signal that is for users.
std::span<const HelpEntry> signals();

/// What the daemon may end with: every ExitCode but that of tcp-echo-load alone. The names are the numbers.
std::span<const HelpEntry> exit_codes();

/// The text of --help, for lines of that many columns.
std::string help_text(std::size_t columns);

}  // namespace tcp_echo
