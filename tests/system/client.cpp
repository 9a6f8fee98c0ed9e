#include "system/client.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <random>
#include <stdexcept>

#include "system/daemon.hpp"
#include "tcp_echo/net/socket_options.hpp"

namespace tcp_echo::test {
namespace {

Endpoint endpoint_of(const std::string& address, std::uint16_t port) {
  const auto host = address.find(':') == std::string::npos ? address : "[" + address + "]";
  const auto endpoint = Endpoint::parse(host + ":" + std::to_string(port));
  if (!endpoint) throw std::invalid_argument(address);
  return *endpoint;
}

void set_deadlines(int fd) {
  const timeval limit{.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(patience()).count(),
                      .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

}  // namespace

std::string random_bytes(std::size_t size, std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(generator());
  return bytes;
}

Client::Client(std::uint16_t port, const std::string& address) : Client(endpoint_of(address, port)) {}

Client::Client(const Endpoint& endpoint, std::optional<int> receive_buffer)
    : fd_(::socket(endpoint.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (!fd_) throw std::runtime_error("socket: the test is out of descriptors");
  if (receive_buffer) ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &*receive_buffer, sizeof(int));
  set_deadlines(fd_.get());
  connected_ = ::connect(fd_.get(), endpoint.address(), endpoint.size()) == 0;
}

Client::Client(UniqueFd connected) : fd_(std::move(connected)), connected_(true) {
  ::fcntl(fd_.get(), F_SETFL, 0);
  set_deadlines(fd_.get());
}

bool Client::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const auto sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::size_t Client::send_some(std::string_view bytes) const {
  const auto sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

std::size_t Client::send_until_stuck(std::string_view bytes) const {
  std::size_t sent = 0;
  pollfd descriptor{fd_.get(), POLLOUT, 0};
  while (sent < bytes.size() && ::poll(&descriptor, 1, 1000) == 1) sent += send_some(bytes.substr(sent));
  return sent;
}

std::string Client::receive(std::size_t size) {
  std::string bytes(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const auto got = ::recv(fd_.get(), bytes.data() + have, size - have, 0);
    if (got <= 0) {
      end_ = got == 0 ? End::kFin : errno == EAGAIN ? End::kTimeout : End::kReset;
      break;
    }
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

std::string Client::receive_all() {
  constexpr std::size_t kChunk = 64UL * 1024;
  std::string all;
  end_ = End::kOpen;
  while (end_ == End::kOpen) all += receive(kChunk);
  return all;
}

std::string Client::echo(std::string_view bytes) {
  return send(bytes) ? receive(bytes.size()) : "(cannot send)";
}

void Client::half_close() const { ::shutdown(fd_.get(), SHUT_WR); }

void Client::reset() {
  reset_on_close(fd_.get());
  fd_.reset();
}

std::vector<Client> connect_many(std::uint16_t port, std::size_t count) {
  std::vector<Client> clients;
  clients.reserve(count);
  for (std::size_t i = 0; i < count; ++i) clients.emplace_back(port);
  return clients;
}

}  // namespace tcp_echo::test
