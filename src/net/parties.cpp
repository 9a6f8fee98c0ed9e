#include "tcp_echo/net/parties.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace tcp_echo {
namespace {

using Getter = int (*)(int, sockaddr*, socklen_t*) noexcept;

/// ::ffff:192.0.2.1 as 192.0.2.1, which is what the client is called everywhere else.
Endpoint unmapped(const sockaddr_storage& address, socklen_t size) {
  sockaddr_in6 v6{};
  std::memcpy(&v6, &address, sizeof v6);
  if (address.ss_family != AF_INET6 || IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) == 0)
    return Endpoint::from_sockaddr(address, size);
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = v6.sin6_port;
  constexpr std::size_t kPrefix = 12;
  std::memcpy(&v4.sin_addr, &v6.sin6_addr.s6_addr[kPrefix], sizeof v4.sin_addr);
  sockaddr_storage storage{};
  std::memcpy(&storage, &v4, sizeof v4);
  return Endpoint::from_sockaddr(storage, sizeof v4);
}

std::optional<Endpoint> endpoint_by(Getter get, int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (get(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return std::nullopt;
  if (address.ss_family != AF_INET && address.ss_family != AF_INET6) return std::nullopt;
  return unmapped(address, size);
}

}  // namespace

std::optional<Parties> parties_of(int fd) {
  const auto peer = endpoint_by([](int s, sockaddr* a, socklen_t* n) noexcept { return ::getpeername(s, a, n); }, fd);
  const auto local = endpoint_by([](int s, sockaddr* a, socklen_t* n) noexcept { return ::getsockname(s, a, n); }, fd);
  if (!peer || !local) return std::nullopt;
  return Parties{*peer, *local};
}

int take_error(int fd) noexcept {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : 0;
}

}  // namespace tcp_echo
