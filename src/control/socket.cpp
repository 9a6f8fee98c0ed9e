#include "tcp_echo/control/socket.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>
#include <thread>

#include "tcp_echo/base/environment.hpp"
#include "tcp_echo/base/text.hpp"

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kLongestPath = sizeof(sockaddr_un::sun_path) - 1;
constexpr const char* kName = "/tcp-echo.sock";
constexpr int kWaitingClients = 128;
constexpr mode_t kOwnerOnly = 0177;  // what the mode of the file is without, as umask(2) has it

tl::unexpected<Error> refuse(const std::string& path, const std::string& why) {
  return failure(ExitCode::kCantCreate, "cannot make the control socket " + printable(path) + ": " + why);
}

std::optional<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  if (path.empty() || path.size() > kLongestPath) return std::nullopt;
  address.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), address.sun_path);
  return address;
}

const sockaddr* generic(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

/// Two masters that start at the same moment must not take each other's fresh socket for a stale one, which
/// it looks like between bind and listen. Whoever may read the folder may lock it, for ever: then this one
/// goes on without.
UniqueFd lock_folder_of(const std::string& path) {
  constexpr int kTries = 50;
  const auto folder = std::filesystem::path(path).parent_path();
  UniqueFd fd(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int i = 0; fd && i < kTries && ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0; ++i)
    std::this_thread::sleep_for(10ms);
  return fd;
}

/// Removes a socket that nobody listens on.
Result<void> make_room(const std::string& path, const sockaddr_un& address) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return {};  // bind tells what is wrong, if anything is
  if (!S_ISSOCK(status.st_mode)) return refuse(path, "something else is there, and is left as it is");
  // Not to wait for a master that has stopped (SIGSTOP) and whose queue is full: that one is alive (EAGAIN).
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) return refuse(path, reason_of(errno));
  if (::connect(probe.get(), generic(address), sizeof(address)) == 0) {
    const auto peer = peer_of(probe.get());
    return refuse(path, "another process answers there" +
                            (peer && peer->pid > 0 ? ", " + std::to_string(peer->pid) : std::string()));
  }
  if (errno == EAGAIN) return refuse(path, "another process has it, and is busy");
  if (errno != ECONNREFUSED) return refuse(path, reason_of(errno));
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return refuse(path, reason_of(errno));
  return {};
}

std::optional<FileId> file_at(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return std::nullopt;
  return FileId{status.st_dev, status.st_ino};
}

}  // namespace

std::vector<std::string> usual_control_sockets() {
  constexpr uid_t kRoot = 0;
  // systemd separates several folders by colons; the first is the service's own.
  const std::string given(environment_variable("RUNTIME_DIRECTORY"));
  const std::string folders[] = {given.substr(0, given.find(':')), ::geteuid() == kRoot ? "/run" : "",
                                 std::string(environment_variable("XDG_RUNTIME_DIR"))};
  std::vector<std::string> sockets;
  for (const auto& folder : folders) {
    std::error_code error;
    if (folder.empty() || !std::filesystem::is_directory(folder, error)) continue;
    auto socket = std::filesystem::absolute(folder, error).string() + kName;
    if (!error) sockets.push_back(std::move(socket));
  }
  return sockets;
}

Result<ControlSocket> ControlSocket::claim(const std::string& path) {
  const auto address = address_of(path);
  if (!address) return refuse(path, "its path has more than " + std::to_string(kLongestPath) + " bytes");
  const auto lock = lock_folder_of(path);
  if (auto made = make_room(path, *address); !made) return tl::unexpected(made.error());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return refuse(path, reason_of(errno));
  const auto mask = ::umask(kOwnerOnly);
  const bool is_bound = ::bind(fd.get(), generic(*address), sizeof(*address)) == 0;
  const int bind_error = errno;
  ::umask(mask);
  if (!is_bound) return refuse(path, reason_of(bind_error));
  const auto file = file_at(path);
  if (!file) return refuse(path, reason_of(errno));
  ControlSocket socket(path, *file, std::move(fd));  // from here on the file is removed if anything fails
  if (::listen(socket.fd(), kWaitingClients) != 0) return refuse(path, reason_of(errno));
  return socket;
}

ControlSocket::~ControlSocket() {
  if (fd_ && file_at(path_) == file_) ::unlink(path_.c_str());
}

Result<UniqueFd> connect_to_control_socket(const std::string& path, std::chrono::milliseconds patience) {
  const auto cannot = "connect to " + printable(path);
  const auto address = address_of(path);
  if (!address) return failure(ExitCode::kUsage, cannot + ": no path of a socket");
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  // connect waits so long as well: SO_SNDTIMEO, socket(7).
  const timeval time{patience / 1s, std::chrono::microseconds(patience % 1s).count()};
  if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time) != 0)
    return system_failure("create a socket", errno);
  if (::connect(fd.get(), generic(*address), sizeof(*address)) == 0) return fd;
  if (errno == EAGAIN)
    return failure(ExitCode::kUnavailable, cannot + ": too many clients wait there, and none is heard");
  auto error = system_error(cannot, errno);
  if (error.code != ExitCode::kNoPermission) error.code = ExitCode::kUnavailable;
  return tl::unexpected(std::move(error));
}

Result<Peer> peer_of(int socket) {
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    return system_failure("ask who is connected", errno);
  return Peer{credentials.pid, credentials.uid};
}

}  // namespace tcp_echo
