#include "tcp_echo/net/socket_options.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string>

namespace tcp_echo {
namespace {

struct OptionName {
  int level;
  int name;
  std::string_view text;
};

OptionName name_of(SocketOption option) {
  switch (option) {
    case SocketOption::kReuseAddress: return {SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR"};
    case SocketOption::kReusePort: return {SOL_SOCKET, SO_REUSEPORT, "SO_REUSEPORT"};
    case SocketOption::kV6Only: return {IPPROTO_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY"};
    case SocketOption::kKeepAlive: return {SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE"};
    case SocketOption::kKeepIdle: return {IPPROTO_TCP, TCP_KEEPIDLE, "TCP_KEEPIDLE"};
    case SocketOption::kNoDelay: return {IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY"};
    case SocketOption::kUrgentInline: return {SOL_SOCKET, SO_OOBINLINE, "SO_OOBINLINE"};
  }
  return {};
}

}  // namespace

Result<void> set_option(int fd, SocketOption option, int value) {
  const auto [level, name, text] = name_of(option);
  if (::setsockopt(fd, level, name, &value, sizeof value) == 0) return {};
  return system_failure("setsockopt " + std::string(text), errno);
}

Result<void> set_connection_options(int fd, bool nodelay, std::chrono::seconds keepalive) {
  if (auto set = set_option(fd, SocketOption::kUrgentInline, 1); !set) return set;
  if (auto set = set_option(fd, SocketOption::kNoDelay, nodelay ? 1 : 0); !set) return set;
  if (auto set = set_option(fd, SocketOption::kKeepAlive, keepalive.count() > 0 ? 1 : 0); !set) return set;
  if (keepalive.count() == 0) return {};
  return set_option(fd, SocketOption::kKeepIdle, static_cast<int>(keepalive.count()));
}

void reset_on_close(int fd) noexcept {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

void fin_on_close(int fd) noexcept {
  const linger off{.l_onoff = 0, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof off);
}

bool resets_on_close(int fd) noexcept {
  linger now{};
  socklen_t size = sizeof now;
  return ::getsockopt(fd, SOL_SOCKET, SO_LINGER, &now, &size) == 0 && now.l_onoff != 0 && now.l_linger == 0;
}

}  // namespace tcp_echo
