// The unix socket under whose name a master can be reached, unix(7): where it lies, and whose it is.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo {

/// Where a master makes its socket, and tcp-echo-ctl looks for it, if no place is named: tcp-echo.sock in
/// $RUNTIME_DIRECTORY, in /run for root, in $XDG_RUNTIME_DIR; those of these folders that are there.
std::vector<std::string> usual_control_sockets();

/// Which file on disk: a name alone may be another's by now.
struct FileId {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const FileId&) const = default;
};

/// A socket that listens, and its file, which goes when the object does, unless another one has its name.
class ControlSocket {
 public:
  /// Makes it, for this user only. What a dead master has left there is replaced. Fails with kCantCreate if a
  /// live master answers there, and if anything else is in the way.
  static Result<ControlSocket> claim(const std::string& path);

  /// The one that this process holds already, through a descriptor that outlived an execve(2).
  static ControlSocket restore(std::string path, FileId file, UniqueFd fd) {
    return {std::move(path), file, std::move(fd)};
  }

  ~ControlSocket();
  ControlSocket(ControlSocket&&) = default;
  ControlSocket& operator=(ControlSocket&&) = delete;
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

  int fd() const noexcept { return fd_.get(); }
  const std::string& path() const noexcept { return path_; }
  FileId file() const noexcept { return file_; }

 private:
  ControlSocket(std::string path, FileId file, UniqueFd fd)
      : path_(std::move(path)), file_(file), fd_(std::move(fd)) {}

  std::string path_;
  FileId file_;
  UniqueFd fd_;
};

/// A connection to whoever listens there; it blocks. kNoPermission, or kUnavailable if nobody does, or has
/// not welcomed those before us within that time.
Result<UniqueFd> connect_to_control_socket(const std::string& path,
                                           std::chrono::milliseconds patience = std::chrono::seconds(5));

/// Who is at the other end, as of when it connected (or began to listen): SO_PEERCRED.
struct Peer {
  pid_t pid = 0;
  uid_t uid = 0;
};
Result<Peer> peer_of(int socket);

}  // namespace tcp_echo
