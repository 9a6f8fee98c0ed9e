#include "tcp_echo/ipc/sealed_text.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace tcp_echo {
namespace {

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;

}  // namespace

Result<UniqueFd> seal_text(const std::string& name, std::string_view text) {
  UniqueFd fd(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  const bool written = fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (!written || ::fcntl(fd.get(), F_ADD_SEALS, kSeals) != 0)
    return system_failure("write down " + name, errno);
  return fd;
}

Result<std::string> read_sealed_text(int fd) {
  struct stat status {};
  const int seals = ::fcntl(fd, F_GET_SEALS);  // F_SEAL_EXEC may be among them, see vm.memfd_noexec
  if (seals < 0 || (seals & kSeals) != kSeals || ::fstat(fd, &status) != 0)
    return failure(ExitCode::kSoftware, "no sealed text is there");
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  if (::pread(fd, text.data(), text.size(), 0) != status.st_size)
    return system_failure("read a sealed text", errno);
  return text;
}

}  // namespace tcp_echo
