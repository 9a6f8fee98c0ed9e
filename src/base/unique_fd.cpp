#include "tcp_echo/base/unique_fd.hpp"

#include <fcntl.h>

#include <cerrno>

#include "tcp_echo/base/error.hpp"

namespace tcp_echo {

UniqueFd copy_of(int fd, std::string_view attempted) {
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) throw FatalError(system_error(attempted, errno));
  return copy;
}

}  // namespace tcp_echo
