// What a process of this program may be. The master starts the others by calling the same file with other
// arguments; a call that means none of those is a user's command line.
#pragma once

#include <string>
#include <vector>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/exit_code.hpp"

namespace tcp_echo {

/// How this program was called: a reload reads the same again, and a later program is called so, too.
struct Call {
  std::string program;  ///< argv[0]
  std::vector<std::string> arguments;
  std::string folder;  ///< that it was called in; empty if that is gone
};

/// Does what the call asks for, to its end. Throws FatalError for what keeps it from that, nothing else that
/// a user could mend.
ExitCode run_role(const Call& call);

/// The one line that a user gets when the program cannot do what it was asked for. Gives `code`.
ExitCode complain(const std::string& text, ExitCode code);

}  // namespace tcp_echo
