#include "tcp_echo/net/parties.hpp"

#include <sys/socket.h>

namespace tcp_echo {
namespace {

template <class Getter>
std::optional<Endpoint> endpoint_by(Getter get, int connection) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (get(connection, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return std::nullopt;
  return Endpoint::from_sockaddr(storage, size).unmapped();
}

}  // namespace

std::optional<Endpoint> peer_endpoint(int connection) { return endpoint_by(::getpeername, connection); }

std::optional<Endpoint> connected_endpoint(int connection) { return endpoint_by(::getsockname, connection); }

}  // namespace tcp_echo
