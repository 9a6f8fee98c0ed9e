// One owner per file descriptor: close(2) when it goes out of scope.
#pragma once

#include <unistd.h>

#include <string_view>
#include <utility>

namespace tcp_echo {

class UniqueFd {
 public:
  UniqueFd() noexcept = default;
  explicit UniqueFd(int fd) noexcept : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

  /// Gives the descriptor up; the caller owns it now.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

  /// Closes what it held. EINTR needs no retry on Linux: the descriptor is gone either way (close(2)).
  void reset(int fd = -1) noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

/// Another descriptor of the same open file, close-on-exec (F_DUPFD_CLOEXEC, fcntl(2)). Throws FatalError,
/// which says what was attempted.
UniqueFd copy_of(int fd, std::string_view attempted = "take a descriptor over");

}  // namespace tcp_echo
