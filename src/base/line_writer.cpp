#include "tcp_echo/base/line_writer.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <string>

namespace tcp_echo {
namespace {

enum class Kind { kPipe, kTerminal, kSocket, kOther };

Kind kind_of(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return Kind::kOther;
  if (S_ISFIFO(status.st_mode)) return Kind::kPipe;
  if (S_ISSOCK(status.st_mode)) return Kind::kSocket;
  return S_ISCHR(status.st_mode) && ::isatty(fd) == 1 ? Kind::kTerminal : Kind::kOther;
}

bool never_waits(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  return flags >= 0 && (flags & O_NONBLOCK) != 0;
}

bool has_room(int fd, std::chrono::milliseconds wait) {
  const auto end = std::chrono::steady_clock::now() + wait;
  pollfd state{fd, POLLOUT, 0};
  int ready = ::poll(&state, 1, static_cast<int>(wait.count()));
  while (ready < 0 && errno == EINTR) {  // a child has ended, say: that is no reason to lose a line
    const auto left = std::max(end - std::chrono::steady_clock::now(), std::chrono::nanoseconds{});
    ready = ::poll(&state, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count()));
  }
  return ready > 0;
}

/// What a terminal that polls writable takes without waiting: as much as its smallest buffer, and a line
/// break by itself, because the kernel writes it in a step of its own, as \r\n.
std::string_view first_piece(std::string_view text) {
  constexpr std::size_t kSmallestBuffer = 256;
  const auto size = std::max<std::size_t>(text.find('\n'), 1);
  return text.substr(0, std::min(size, kSmallestBuffer));
}

std::ptrdiff_t write_if_there_is_room(int fd, std::string_view text) {
  if (has_room(fd, std::chrono::milliseconds(0))) return ::write(fd, text.data(), text.size());
  errno = EAGAIN;
  return -1;
}

/// Since Linux 6.5 a single write to a pipe can be told not to wait. Before, a pipe that polls writable has
/// room for PIPE_BUF bytes; only another process that fills it in this very moment could make us wait then.
std::ptrdiff_t write_to_pipe(int fd, std::string_view text) {
  const iovec part{const_cast<char*>(text.data()), text.size()};
  constexpr long kWhereItIs = -1;
  const auto written = ::syscall(SYS_pwritev2, fd, &part, 1L, kWhereItIs, kWhereItIs, RWF_NOWAIT);
  if (written >= 0 || errno == EAGAIN || errno == EPIPE) return written;
  return write_if_there_is_room(fd, text);
}

/// Where `stty tostop` is set a background job gets SIGTTOU for each write, which is begun again once the
/// handler has run: for ever, if the handler does not stop the job but takes a worker away. A write with the
/// signal held back passes (termios(3)). A SIGTTOU that is sent by kill(2) meanwhile comes a moment later.
class HeldTtou {
 public:
  HeldTtou() noexcept {
    sigset_t ttou;
    sigemptyset(&ttou);
    sigaddset(&ttou, SIGTTOU);
    ::pthread_sigmask(SIG_BLOCK, &ttou, &before_);
  }
  ~HeldTtou() {
    const int error = errno;
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = error;
  }
  HeldTtou(const HeldTtou&) = delete;
  HeldTtou& operator=(const HeldTtou&) = delete;

 private:
  sigset_t before_{};
};

/// Ends in the middle of no character.
std::string cut(std::string_view line, std::size_t longest) {
  constexpr std::string_view kEnd = "...\n";
  auto size = longest - kEnd.size();
  while (size > 0 && (static_cast<unsigned char>(line[size]) & 0xc0U) == 0x80U) --size;
  return std::string(line.substr(0, size)).append(kEnd);
}

}  // namespace

Result<UniqueFd> own_description(int fd) {
  const auto kind = kind_of(fd);
  if (kind == Kind::kPipe || kind == Kind::kTerminal) {
    constexpr int kFlags = O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    UniqueFd own(::open(("/proc/self/fd/" + std::to_string(fd)).c_str(), kFlags));
    if (own) return own;
  }
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!copy) return system_failure("open the log", errno);
  return copy;
}

LineWriter::LineWriter(int fd, std::chrono::milliseconds patience) : patience_(patience) { use(fd); }

void LineWriter::use(int fd) {
  fd_ = fd;
  way_ = look();
  is_torn_ = false;
  longest_ = kind_of(fd) == Kind::kPipe ? PIPE_BUF : std::string_view::npos;
}

/// How to write without waiting. A file, and a device like /dev/null, takes what it gets or says why not.
LineWriter::Way LineWriter::look() const {
  switch (kind_of(fd_)) {
    case Kind::kSocket: return Way::kSocket;
    case Kind::kPipe: return Way::kPipe;
    case Kind::kTerminal: return Way::kTerminal;
    case Kind::kOther: break;
  }
  return Way::kPlain;
}

int LineWriter::write(std::string_view line) {
  if (is_torn_) {
    if (const int error = put("\n"); error != 0) return error;
    is_torn_ = false;
  }
  return line.size() > longest_ ? put(cut(line, longest_)) : put(line);
}

int LineWriter::put(std::string_view text) {
  for (bool is_begun = false; !text.empty();) {
    const auto written = write_some(text);
    if (written > 0) {
      is_begun = true;
      text.remove_prefix(static_cast<std::size_t>(written));
      continue;
    }
    const int error = written == 0 ? EAGAIN : errno;
    if (error == EINTR || (error == EAGAIN && gets_room())) continue;
    is_torn_ = is_torn_ || is_begun;
    return error;
  }
  return 0;
}

std::ptrdiff_t LineWriter::write_some(std::string_view text) const {
  switch (way_) {
    case Way::kPlain: return ::write(fd_, text.data(), text.size());
    case Way::kSocket: return ::send(fd_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    case Way::kPipe: return write_to_pipe(fd_, text);
    case Way::kTerminal: {
      const HeldTtou held;
      // Looked at each time: every process that shares the description may change it, uv_spawn(3) in this
      // one as well.
      return never_waits(fd_) ? ::write(fd_, text.data(), text.size())
                              : write_if_there_is_room(fd_, first_piece(text));
    }
  }
  return -1;
}

/// Waits for it, as long as there is patience left in this second.
bool LineWriter::gets_room() {
  const auto begin = std::chrono::steady_clock::now();
  if (begin >= patience_returns_) {
    patience_left_ = patience_;
    patience_returns_ = begin + std::chrono::seconds(1);
  }
  if (patience_left_.count() <= 0) return false;
  const bool has_come = has_room(fd_, std::chrono::ceil<std::chrono::milliseconds>(patience_left_));
  patience_left_ -= std::chrono::steady_clock::now() - begin;
  return has_come;
}

}  // namespace tcp_echo
