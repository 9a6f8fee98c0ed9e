#include "clients.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "process.hpp"
#include "tcp_echo/base/error.hpp"

namespace tcp_echo::bench {
namespace {

constexpr std::size_t kMessageSize = 64;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

UniqueFd connect_to(std::uint16_t port, std::chrono::milliseconds timeout) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval most{timeout.count() / 1000, timeout.count() % 1000 * 1000};
  const linger reset{1, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  const auto address = loopback(port);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fd.reset();
  return fd;
}

std::array<char, kMessageSize> message(unsigned seed) {
  std::array<char, kMessageSize> bytes{};
  for (auto& byte : bytes) byte = static_cast<char>(seed = seed * 1103515245U + 12345U);
  return bytes;
}

bool send_one(int fd, unsigned seed) {
  const auto bytes = message(seed);
  return ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

bool receive_one(int fd, unsigned seed) {
  std::array<char, kMessageSize> bytes{};
  return ::recv(fd, bytes.data(), bytes.size(), MSG_WAITALL) == static_cast<ssize_t>(bytes.size()) &&
         bytes == message(seed);
}

[[noreturn]] void give_up() {
  throw_if_interrupted();
  throw FatalError({ExitCode::kTemporary, "a connection was not made, or its echo missing or wrong"});
}

}  // namespace

std::uint16_t free_port() {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw FatalError(system_error("bind 127.0.0.1:0", errno));
  return ntohs(address.sin_port);
}

bool answers(std::uint16_t port, std::chrono::milliseconds timeout) {
  const auto fd = connect_to(port, timeout);
  return fd && send_one(fd.get(), 1) && receive_one(fd.get(), 1);
}

void Clients::grow_to(std::size_t count) {
  sockets_.reserve(count);
  while (sockets_.size() < count) {
    sockets_.push_back(connect_to(port_, timeout_));
    if (!sockets_.back() || !send_one(sockets_.back().get(), 1) || !receive_one(sockets_.back().get(), 1))
      give_up();
    throw_if_interrupted();
  }
}

void Clients::echo(unsigned rounds) {
  for (unsigned round = 0; round < rounds; ++round) {
    const bool sent = std::all_of(sockets_.begin(), sockets_.end(),
                                  [&](const UniqueFd& fd) { return send_one(fd.get(), round); });
    if (!sent || !std::all_of(sockets_.begin(), sockets_.end(),
                              [&](const UniqueFd& fd) { return receive_one(fd.get(), round); }))
      give_up();
  }
}

}  // namespace tcp_echo::bench
