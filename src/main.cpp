// One executable, several roles: what every process of it needs is done here, the rest by its role.

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <filesystem>
#include <string>
#include <system_error>

#include "roles.hpp"
#include "tcp_echo/loop/process_title.hpp"
#include "tcp_echo/loop/signal.hpp"

namespace tcp_echo {
namespace {

int as_int(ExitCode code) { return static_cast<int>(code); }

/// Empty if it is gone.
std::string current_folder() {
  std::error_code error;
  return std::filesystem::current_path(error).string();
}

/// Our parent process may have closed descriptors 0 to 2; a socket that took the number of stderr would get
/// the log.
void keep_standard_descriptors_open() {
  int fd = ::open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO) fd = ::open("/dev/null", O_RDWR);
  if (fd >= 0) ::close(fd);
}

int run(const Call& call) {
  try {
    keep_standard_descriptors_open();
    ignore_signal(SIGPIPE);
    ignore_signal(SIGXFSZ);  // a log file at the limit of its size (RLIMIT_FSIZE) is no reason to die
    return as_int(run_role(call));
  } catch (const FatalError& error) {
    return as_int(complain(error.what(), error.code()));
  } catch (const std::exception& error) {
    return as_int(complain(error.what(), ExitCode::kSoftware));
  }
}

}  // namespace
}  // namespace tcp_echo

int main(int argc, char** argv) {
  argv = tcp_echo::prepare_process_title(argc, argv);
  return tcp_echo::run({argv[0], {argv + 1, argv + argc}, tcp_echo::current_folder()});
}
