#include "tcp_echo/daemon/pid_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string_view>

#include "tcp_echo/base/text.hpp"

namespace tcp_echo {
namespace {

constexpr mode_t kAllMayRead = 0644;

tl::unexpected<Error> refuse(const std::string& path, const std::string& why) {
  return failure(ExitCode::kCantCreate, "cannot hold the pid file " + printable(path) + ": " + why);
}

Result<UniqueFd> open_regular(const std::string& path) {
  // Non-blocking, for it may turn out to be a pipe.
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, kAllMayRead));
  if (!fd) return refuse(path, reason_of(errno));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return refuse(path, reason_of(errno));
  if (!S_ISREG(status.st_mode)) return refuse(path, "that is no regular file");
  return fd;
}

/// What the file holds: 0 if it is empty, nothing if it is no pid.
std::optional<std::uint64_t> pid_in(int fd) {
  constexpr std::size_t kLongestPid = 32;
  std::array<char, kLongestPid> buffer{};
  const auto size = ::pread(fd, buffer.data(), buffer.size(), 0);
  if (size < 0) return std::nullopt;
  std::string_view text(buffer.data(), static_cast<std::size_t>(size));
  if (text.empty()) return 0;
  if (text.ends_with('\n')) text.remove_suffix(1);
  return parse_number(text);
}

/// Another process may have removed the file between our open and our lock.
bool still_has_its_name(int fd, const std::string& path) {
  struct stat ours {};
  struct stat named {};
  return ::fstat(fd, &ours) == 0 && ::stat(path.c_str(), &named) == 0 && ours.st_dev == named.st_dev &&
         ours.st_ino == named.st_ino;
}

Result<UniqueFd> open_and_lock(const std::string& path) {
  for (;;) {
    auto fd = open_regular(path);
    if (!fd) return fd;
    if (::flock(fd->get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return refuse(path, reason_of(errno));
      const auto holder = pid_in(fd->get()).value_or(0);  // 0: it is only just being written
      return refuse(path, "another instance runs and holds it" +
                              (holder == 0 ? std::string() : ", process " + std::to_string(holder)));
    }
    if (still_has_its_name(fd->get(), path)) return fd;
  }
}

}  // namespace

Result<PidFile> PidFile::hold(const std::string& path) {
  auto fd = open_and_lock(path);
  if (!fd) return tl::unexpected(fd.error());
  if (!pid_in(fd->get())) return refuse(path, "it holds something else than a pid, and is left as it is");
  PidFile file(path, std::move(*fd));  // from here on it is removed again if anything fails
  const auto text = std::to_string(::getpid()) + "\n";
  if (::ftruncate(file.fd_.get(), 0) != 0 ||
      ::pwrite(file.fd_.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    return refuse(path, reason_of(errno));
  return file;
}

// Removed while the lock is held: a process that locks it next sees that the file has lost its name.
PidFile::~PidFile() {
  if (fd_ && still_has_its_name(fd_.get(), path_)) ::unlink(path_.c_str());
}

Result<pid_t> read_pid_file(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  const auto cannot = "cannot read the pid file " + printable(path) + ": ";
  if (!fd) return failure(ExitCode::kUnavailable, cannot + reason_of(errno));
  const auto pid = pid_in(fd.get()).value_or(0);
  if (pid == 0) return failure(ExitCode::kUnavailable, cannot + "it holds no pid");
  return static_cast<pid_t>(pid);
}

}  // namespace tcp_echo
