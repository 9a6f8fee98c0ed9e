#include "config_file.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "tcp_echo/base/text.hpp"
#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo {
namespace {

constexpr std::size_t kLargestFile = 1024UL * 1024;
/// As for `cat echo.toml >fifo &`, which may not have come so far yet.
constexpr std::chrono::milliseconds kPatienceForWriter{1000};
constexpr std::string_view kAllowed = "; allowed: a file, or a pipe that somebody writes";

tl::unexpected<Error> cannot_read(const std::string& path, std::string_view why) {
  return failure(ExitCode::kConfig,
                 fmt::format("{}: cannot read the configuration: {}", printable(path), why));
}

/// Empty for what may be read. To open anything else may wait, or do something; and a terminal would have the
/// daemon wait for what is typed.
std::string_view objection_to(const struct stat& status) {
  const auto null_device = makedev(1, 3);
  switch (status.st_mode & S_IFMT) {
    case S_IFSOCK: return "it is a socket";
    case S_IFBLK: return "it is a device";
    case S_IFCHR: return status.st_rdev == null_device ? "" : "it is a terminal or another device";
    default: return "";
  }
}

/// A FIFO is opened by its name. Of an unnamed pipe, such as <(...), the writer may have come and gone.
bool is_fifo(int fd) {
  struct stat status {};
  struct statfs system {};
  return ::fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode) && ::fstatfs(fd, &system) == 0 &&
         system.f_type != PIPEFS_MAGIC;
}

bool becomes_readable(int fd, std::chrono::milliseconds patience) {
  pollfd awaited{fd, POLLIN, 0};
  int ready = -1;
  do {
    ready = ::poll(&awaited, 1, static_cast<int>(patience.count()));
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

/// To the end, or to one byte more than there may be.
Result<std::string> read_all(int fd, const std::string& path, std::chrono::milliseconds patience) {
  std::string text(kLargestFile + 1, '\0');
  std::size_t size = 0;
  bool has_writer = !is_fifo(fd);
  while (size < text.size()) {
    const auto got = ::read(fd, text.data() + size, text.size() - size);
    if (got > 0) size += static_cast<std::size_t>(got);
    if (got == 0 && has_writer) break;
    if (got == 0 && !becomes_readable(fd, std::min(patience, kPatienceForWriter)))
      return cannot_read(path, fmt::format("nobody writes the FIFO{}", kAllowed));
    if (got < 0 && errno != EAGAIN && errno != EINTR) return cannot_read(path, reason_of(errno));
    if (got < 0 && errno == EAGAIN && !becomes_readable(fd, patience)) {
      const std::chrono::duration<double> seconds = patience;
      return cannot_read(path,
                         fmt::format("its writer has said nothing for {} s{}", seconds.count(), kAllowed));
    }
    has_writer = true;
  }
  text.resize(size);
  return text;
}

}  // namespace

Result<std::string> read_config_file(const std::string& path, std::chrono::milliseconds patience) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return cannot_read(path, reason_of(errno));
  if (const auto objection = objection_to(status); !objection.empty())
    return cannot_read(path, fmt::format("{}{}", objection, kAllowed));
  // O_NONBLOCK: open(2) of a FIFO would wait for a writer.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd) return cannot_read(path, reason_of(errno));
  auto text = read_all(fd.get(), path, patience);
  if (text && text->size() > kLargestFile)
    return failure(ExitCode::kConfig,
                   printable(path) + ": a configuration of more than 1 MiB; is this the right file?");
  return text;
}

}  // namespace tcp_echo
