#include "tcp_echo/master/log_target.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "tcp_echo/base/log.hpp"

namespace tcp_echo {

Result<UniqueFd> open_log(const Config& config) {
  if (!config.log_file.empty()) return open_log_file(config.log_file);
  UniqueFd fd(config.daemon ? ::open("/dev/null", O_WRONLY | O_CLOEXEC)
                            : ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!fd) return system_failure("open the log", errno);
  return fd;
}

Result<void> replace_log(const UniqueFd& opened, int descriptor) {
  if (::dup3(opened.get(), descriptor, O_CLOEXEC) < 0) return system_failure("change the log", errno);
  return {};
}

}  // namespace tcp_echo
