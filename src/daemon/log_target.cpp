#include "tcp_echo/daemon/log_target.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "tcp_echo/base/line_writer.hpp"
#include "tcp_echo/base/log.hpp"

namespace tcp_echo {

Result<UniqueFd> open_log(const Config& config) {
  if (!config.log_file.empty()) return open_log_file(config.log_file);
  if (!config.daemon) return own_description(STDERR_FILENO);
  UniqueFd fd(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  if (!fd) return system_failure("open the log", errno);
  return fd;
}

}  // namespace tcp_echo
