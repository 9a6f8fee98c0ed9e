// TCP sockets of a test, all on the loopback interface, all in this process.
#pragma once

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>

#include "tcp_echo/base/endpoint.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/net/listening_socket.hpp"

namespace tcp_echo::test {

/// Bytes that look random, the same in every run.
inline std::string random_bytes(std::size_t size) {
  std::mt19937 generator(1);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(generator());
  return bytes;
}

inline Endpoint endpoint(std::string_view text) {
  const auto parsed = Endpoint::parse(text);
  if (!parsed) throw std::invalid_argument(std::string(text));
  return *parsed;
}

inline Endpoint any_loopback_port() { return endpoint("127.0.0.1:0"); }

/// Where a listener really listens.
inline Endpoint bound(int fd) { return value_or_throw(local_endpoint(fd)); }
inline Endpoint bound(const UniqueFd& listener) { return bound(listener.get()); }

/// The value of an integer option.
inline int option_of(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  ::getsockopt(fd, level, name, &value, &size);
  return value;
}

inline void set_integer(int fd, int level, int name, int value) {
  if (::setsockopt(fd, level, name, &value, sizeof value) != 0) throw std::runtime_error("setsockopt");
}

/// The lowest free descriptor: what the next socket will get.
inline int next_descriptor() {
  const UniqueFd probe(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  return probe.get();
}

/// How a client's stream stands.
enum class End { kOpen, kFin, kReset };

/// Never blocks. Connects at once, for the kernel completes a handshake over loopback without the server's
/// program.
class Client {
 public:
  /// `buffers` of 0 leaves their size to the kernel, which lets them grow; so does `hops` with the IPv4 TTL.
  explicit Client(const Endpoint& server, int buffers = 0, int hops = 0)
      : fd_(::socket(server.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (buffers != 0) {
      set_integer(fd_.get(), SOL_SOCKET, SO_RCVBUF, buffers);
      set_integer(fd_.get(), SOL_SOCKET, SO_SNDBUF, buffers);
    }
    if (hops != 0) set_integer(fd_.get(), IPPROTO_IP, IP_TTL, hops);
    if (::connect(fd_.get(), server.address(), server.size()) != 0)
      throw std::runtime_error("connect to " + server.text());
    ::fcntl(fd_.get(), F_SETFL, O_NONBLOCK);
  }

  int fd() const { return fd_.get(); }

  /// Sends what the kernel takes; how much that was.
  std::size_t send_some(std::string_view bytes) {
    const auto sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) end_ = End::kReset;
    return sent > 0 ? static_cast<std::size_t>(sent) : 0;
  }

  /// For what fits in the kernel's buffers for certain.
  void send(std::string_view bytes) {
    if (send_some(bytes) != bytes.size()) throw std::runtime_error("send");
  }

  void send_urgent(char byte) {
    if (::send(fd_.get(), &byte, 1, MSG_OOB | MSG_NOSIGNAL) != 1) throw std::runtime_error("send MSG_OOB");
  }

  /// Takes what is there, `most` bytes of it; everything that ever came stands in received().
  void read_some(std::size_t most = kChunk) {
    std::string bytes(std::min(most, kChunk), '\0');
    const auto got = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
    if (got > 0) received_.append(bytes, 0, static_cast<std::size_t>(got));
    if (got == 0 && end_ == End::kOpen)
      end_ = End::kFin;  // an error is told once, and looks like the end from then on
    if (got < 0 && errno != EAGAIN) end_ = End::kReset;
  }

  /// Looks for the end of the stream as well, with no byte taken.
  bool is_open() {
    char byte = 0;
    const auto got = ::recv(fd_.get(), &byte, 1, MSG_PEEK);
    return got > 0 || (got < 0 && errno == EAGAIN);
  }

  const std::string& received() const { return received_; }
  End end() const { return end_; }

  void half_close() { ::shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_.reset(); }
  void reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    fd_.reset();
  }

  /// Gives the low numbers back, so that they are left to the server under test.
  void move_to_descriptor_above(int lowest) {
    UniqueFd moved(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, lowest));
    if (!moved) throw std::runtime_error("fcntl F_DUPFD");
    fd_ = std::move(moved);
  }

 private:
  static constexpr std::size_t kChunk = 64UL * 1024;
  UniqueFd fd_;
  std::string received_;
  End end_ = End::kOpen;
};

/// A connection that may not come about: begun without waiting for it.
class Attempt {
 public:
  explicit Attempt(const Endpoint& server)
      : fd_(::socket(server.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    if (::connect(fd_.get(), server.address(), server.size()) != 0 && errno != EINPROGRESS)
      throw std::runtime_error("connect to " + server.text());
  }

  /// Neither established nor refused: no answer has come yet.
  bool is_unanswered() const { return info().tcpi_state == TCP_SYN_SENT; }
  bool is_connected() const { return info().tcpi_state == TCP_ESTABLISHED; }

  /// How often the kernel has begun again, for want of an answer.
  unsigned repetitions() const { return info().tcpi_total_retrans; }

 private:
  tcp_info info() const {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(fd_.get(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
      throw std::runtime_error("getsockopt TCP_INFO");
    return info;
  }

  UniqueFd fd_;
};

/// One connection without any server's program: both its ends.
struct TcpPair {
  explicit TcpPair(const ListenerOptions& options = {.backlog = 8}, int client_buffers = 0)
      : listener(value_or_throw(open_listener(any_loopback_port(), options))),
        client(value_or_throw(local_endpoint(listener.get())), client_buffers),
        server(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) {
    if (!server) throw std::runtime_error("accept");
  }

  UniqueFd listener;
  Client client;
  UniqueFd server;
};

/// Bytes that came in and were not received from the socket yet: SIOCINQ, tcp(7).
inline std::size_t unread_bytes(int fd) {
  int bytes = 0;
  if (::ioctl(fd, SIOCINQ, &bytes) != 0) throw std::runtime_error("ioctl SIOCINQ");
  return static_cast<std::size_t>(bytes);
}

/// Writes to a peer that does not read, until nothing moves any more.
inline void fill(int fd) {
  const std::string bytes(64UL * 1024, 'x');
  constexpr int kLongEnough = 50;
  pollfd room{fd, POLLOUT, 0};
  while (::poll(&room, 1, kLongEnough) > 0 &&
         ::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
  }
}

}  // namespace tcp_echo::test
