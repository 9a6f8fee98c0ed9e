#include "tcp_echo/loop/process_title.hpp"

#include <uv.h>

namespace tcp_echo {

char** prepare_process_title(int argc, char** argv) { return uv_setup_args(argc, argv); }

void set_process_title(const std::string& title) { uv_set_process_title(title.c_str()); }

}  // namespace tcp_echo
