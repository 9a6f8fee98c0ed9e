#include "tcp_echo/daemon/inherited_sockets.hpp"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "tcp_echo/base/environment.hpp"
#include "tcp_echo/base/text.hpp"
#include "tcp_echo/config/options.hpp"

namespace tcp_echo {
namespace {

constexpr int kFirst = 3;  // SD_LISTEN_FDS_START

std::string take_variable(const char* name) {
  std::string text(environment_variable(name));
  ::unsetenv(name);
  return text;
}

int integer_option(int fd, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

bool is_tcp_listener(int fd) {
  const int domain = integer_option(fd, SO_DOMAIN);
  return (domain == AF_INET || domain == AF_INET6) && integer_option(fd, SO_TYPE) == SOCK_STREAM &&
         integer_option(fd, SO_ACCEPTCONN) == 1;
}

}  // namespace

Result<std::vector<UniqueFd>> take_inherited_sockets() {
  const auto whose = take_variable("LISTEN_PID");
  const auto how_many = take_variable("LISTEN_FDS");
  take_variable("LISTEN_FDNAMES");
  std::vector<UniqueFd> sockets;
  if (how_many.empty() || parse_number(whose) != static_cast<std::uint64_t>(::getpid())) return sockets;
  const auto count = parse_number(how_many);
  if (!count || *count > kMaxListenAddresses) {
    return failure(ExitCode::kConfig, fmt::format("LISTEN_FDS: {} is no number of sockets; allowed: 0 to {}",
                                                  in_quotes(how_many), kMaxListenAddresses));
  }
  for (int fd = kFirst; fd < kFirst + static_cast<int>(*count); ++fd) {
    if (!is_tcp_listener(fd)) {
      return failure(ExitCode::kConfig,
                     fmt::format("LISTEN_FDS: descriptor {} is not a TCP socket that listens", fd));
    }
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    sockets.emplace_back(fd);
  }
  return sockets;
}

}  // namespace tcp_echo
