#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "tcp_echo/base/text.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/load/report.hpp"
#include "tcp_echo/load/report_place.hpp"

namespace tcp_echo {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kNewFile = 0666;  // less the umask

tl::unexpected<Error> cannot_write(const std::string& path, int error_number) {
  const auto what = path == "-" ? "to standard output" : "the report " + printable(path);
  return failure(ExitCode::kCantCreate, "cannot write " + what + ": " + reason_of(error_number));
}

/// 0, or why not.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      // The process that started us may have left a pipe non-blocking.
      struct pollfd ready = {fd, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

int write_in_place(const std::string& path, std::string_view text) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY));
  return fd ? write_all(fd.get(), text) : errno;
}

/// A file that did not exist before, beside the one it is to replace. With -1 for a descriptor errno says
/// why.
UniqueFd open_beside(const std::string& path, std::string& beside) {
  constexpr int kAttempts = 100;
  UniqueFd fd;
  for (int attempt = 0; attempt < kAttempts && !fd; ++attempt) {
    beside = path + "." + std::to_string(::getpid()) + "." + std::to_string(attempt);
    fd.reset(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kNewFile));
    if (!fd && errno != EEXIST) break;
  }
  return fd;
}

/// `old` is what is to be replaced; nullptr for nothing.
int replace(const std::string& path, const struct stat* old, std::string_view text) {
  std::string beside;
  const auto fd = open_beside(path, beside);
  if (!fd) return errno;
  int error = write_all(fd.get(), text);
  if (error == 0 && old != nullptr && ::fchmod(fd.get(), old->st_mode & 07777U) != 0) error = errno;
  // Some file systems tell only here that there was no room.
  if (error == 0 && ::fsync(fd.get()) != 0) error = errno;
  if (error == 0 && std::rename(beside.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) ::unlink(beside.c_str());
  return error;
}

int write_to(const std::string& name, std::string_view text) {
  if (const auto fd = standard_descriptor_at(name)) return write_all(*fd, text);
  const auto path = end_of_links(name);
  if (names_open_file(path)) return write_in_place(path, text);
  struct stat old {};
  if (::stat(path.c_str(), &old) != 0) return errno == ENOENT ? replace(path, nullptr, text) : errno;
  return S_ISREG(old.st_mode) ? replace(path, &old, text) : write_in_place(path, text);
}

int check_descriptor(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0) return errno;
  return (flags & O_ACCMODE) == O_RDONLY ? EBADF : 0;
}

/// 0, or why write_to() would fail.
int check(const std::string& name) {
  if (const auto fd = standard_descriptor_at(name)) return check_descriptor(*fd);
  const auto path = end_of_links(name);
  struct stat old {};
  const bool exists = ::stat(path.c_str(), &old) == 0;
  if (!exists && errno != ENOENT) return errno;
  if (exists && S_ISDIR(old.st_mode)) return EISDIR;
  if (exists && (!S_ISREG(old.st_mode) || names_open_file(path)))
    return ::access(path.c_str(), W_OK) == 0 ? 0 : errno;
  // It is the folder that must take a new file; the old one may even be read-only.
  const auto folder = fs::path(path).parent_path();
  return ::access(folder.empty() ? "." : folder.c_str(), W_OK | X_OK) == 0 ? 0 : errno;
}

UniqueFd open_lines(const std::string& path) {
  if (const auto fd = standard_descriptor_at(path)) return UniqueFd(::fcntl(*fd, F_DUPFD_CLOEXEC, 0));
  const int anew = names_open_file(path) ? 0 : O_TRUNC;
  return UniqueFd(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | anew, kNewFile));
}

}  // namespace

Result<void> check_report(const std::string& path) {
  const int error = check(path);
  if (error != 0) return cannot_write(path, error);
  return {};
}

Result<void> write_report(const std::string& path, std::string_view text) {
  const int error = write_to(path, text);
  if (error != 0) return cannot_write(path, error);
  return {};
}

Result<LineReport> LineReport::open(const std::string& path) {
  auto file = open_lines(path);
  if (!file) return cannot_write(path, errno);
  return LineReport(path, std::move(file));
}

void LineReport::append(std::string_view text) {
  if (!status_) return;
  if (const int error = write_all(file_.get(), text); error != 0) status_ = cannot_write(path_, error);
}

}  // namespace tcp_echo
