#include "tcp_echo/net/listening_socket.hpp"

#include <linux/filter.h>
#include <linux/in6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <limits>
#include <string>

#include "strangers.hpp"
#include "tcp_echo/net/socket_options.hpp"

namespace tcp_echo {
namespace {

Error cannot_listen(const Endpoint& endpoint, int error_number) {
  const auto code =
      error_number == EACCES || error_number == EPERM ? ExitCode::kNoPermission
      : error_number == EMFILE || error_number == ENFILE || error_number == ENOMEM || error_number == ENOBUFS
          ? ExitCode::kOsError
          : ExitCode::kUnavailable;
  std::string reason = reason_of(error_number);
  if (error_number == EADDRINUSE) reason = "another process listens there already";
  if (error_number == EADDRNOTAVAIL) reason = "this machine has no such address";
  constexpr std::uint16_t kFirstUnprivilegedPort = 1024;
  if (error_number == EACCES && endpoint.port() < kFirstUnprivilegedPort)
    reason = "ports below 1024 need root or CAP_NET_BIND_SERVICE";
  return Error{code, "cannot listen on " + endpoint.text() + ": " + reason};
}

Result<UniqueFd> open_socket(const Endpoint& endpoint) {
  UniqueFd fd(::socket(endpoint.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return tl::unexpected(cannot_listen(endpoint, errno));
  // Or a connection of an earlier run, in TIME_WAIT or still open, would make the bind fail.
  if (auto set = set_option(fd.get(), SocketOption::kReuseAddress, 1); !set)
    return tl::unexpected(set.error());
  // [::] takes IPv4 as well, whatever net.ipv6.bindv6only says.
  if (endpoint.family() == AF_INET6) {
    if (auto set = set_option(fd.get(), SocketOption::kV6Only, 0); !set) return tl::unexpected(set.error());
  }
  return fd;
}

}  // namespace

Result<void> probe_address(const Endpoint& endpoint, const std::vector<ino_t>& ours) {
  const auto fd = open_socket(endpoint);
  if (!fd) return tl::unexpected(fd.error());
  if (::bind(fd->get(), endpoint.address(), endpoint.size()) == 0) return {};
  const int error_number = errno;
  if (error_number == EADDRINUSE && !ours.empty() && !strangers_listen(endpoint, ours)) return {};
  return tl::unexpected(cannot_listen(endpoint, error_number));
}

Result<UniqueFd> bind_listener(const Endpoint& endpoint, const ListenerOptions& options) {
  auto fd = open_socket(endpoint);
  if (!fd) return fd;
  if (auto set = set_option(fd->get(), SocketOption::kReusePort, 1); !set) return tl::unexpected(set.error());
  if (auto set = set_connection_options(fd->get(), options.nodelay, options.keepalive); !set)
    return tl::unexpected(set.error());
  if (::bind(fd->get(), endpoint.address(), endpoint.size()) != 0)
    return tl::unexpected(cannot_listen(endpoint, errno));
  return fd;
}

Result<void> listen_on(int fd, const Endpoint& endpoint, int backlog) {
  if (::listen(fd, backlog) != 0) return tl::unexpected(cannot_listen(endpoint, errno));
  return {};
}

Result<UniqueFd> open_listener(const Endpoint& endpoint, const ListenerOptions& options) {
  auto fd = bind_listener(endpoint, options);
  if (!fd) return fd;
  if (auto listens = listen_on(fd->get(), endpoint, options.backlog); !listens)
    return tl::unexpected(listens.error());
  return fd;
}

Result<Endpoint> local_endpoint(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return system_failure("getsockname", errno);
  return Endpoint::from_sockaddr(address, size);
}

bool ipv6_available() {
  const auto any = Endpoint::any_v6(0);
  const UniqueFd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const bool bound = fd && ::bind(fd.get(), any.address(), any.size()) == 0;
  return bound ||
         (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL);  // anything else is for the real bind to report
}

int longest_backlog() {
  std::ifstream stream("/proc/sys/net/core/somaxconn");
  int longest = 0;
  stream >> longest;
  return longest;
}

namespace {

// The kernel shows a filter on a TCP socket (SO_ATTACH_FILTER, socket(7)) each segment from its TCP header
// on, and drops it on 0. Some kernels want CAP_NET_ADMIN for it.
bool drop_bare_syns(int listener) {
  constexpr std::uint32_t kFlagsByte = 13;  // RFC 9293, 3.1
  constexpr std::uint32_t kSyn = 0x02;
  constexpr std::uint32_t kAck = 0x10;
  constexpr std::uint32_t kWhole = std::numeric_limits<std::uint32_t>::max();
  std::array<sock_filter, 5> code = {{
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kFlagsByte),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, kSyn | kAck),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kSyn, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, kWhole),
  }};
  const sock_fprog program{.len = code.size(), .filter = code.data()};
  return ::setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

// Segments with a lower TTL or hop limit are dropped (IP_MINTTL, ip(7)); the second family is for IPv4 on
// [::]. Only neighbours that speak a protocol of RFC 5082 send with 255. The kernel does not ask for it where
// a handshake completes.
bool require_hops(int fd, int least) {
  const bool v4 = ::setsockopt(fd, IPPROTO_IP, IP_MINTTL, &least, sizeof least) == 0;
  const bool v6 = ::setsockopt(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, &least, sizeof least) == 0;
  return v4 || v6;
}

}  // namespace

Result<void> refuse_handshakes(int listener) {
  constexpr int kMostHops = 255;
  if (drop_bare_syns(listener) || require_hops(listener, kMostHops)) return {};
  return system_failure("keep new clients away", errno);
}

bool makes_deaf(int listener) noexcept {
  int least = 0;
  socklen_t size = sizeof least;
  return ::getsockopt(listener, IPPROTO_IP, IP_MINTTL, &least, &size) == 0 && least > 0;
}

void hear_out(int connection) noexcept { require_hops(connection, 0); }

}  // namespace tcp_echo
