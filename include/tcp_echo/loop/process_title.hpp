// What ps and top call a process.
#pragma once

#include <string>

namespace tcp_echo {

/// Must come first in main(): the title is written over the place where argv lies. Returns argv as it was.
char** prepare_process_title(int argc, char** argv);

/// At most 15 characters, so that the kernel's comm (prctl(2), PR_SET_NAME) carries the same as the command
/// line.
void set_process_title(const std::string& title);

}  // namespace tcp_echo
