#include "tcp_echo/master/executable.hpp"

#include <fcntl.h>

#include <cerrno>
#include <filesystem>

namespace tcp_echo {

Result<UniqueFd> open_own_executable() {
  // Not an open of /proc/self/exe itself: under Valgrind or qemu-user that leads to them, while readlink
  // tells our own name.
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return system_failure("read the link /proc/self/exe", error.value());
  UniqueFd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!fd) return system_failure("open " + path.string(), errno);
  return fd;
}

std::string descriptor_path(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

}  // namespace tcp_echo
