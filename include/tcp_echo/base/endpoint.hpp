// An IP address with a port, and its text: "127.0.0.1:8090", "[::1]:8090", "[fe80::1%eth0]:8090".
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tcp_echo {

class Endpoint {
 public:
  /// Numbers only, never a name: a daemon must not start differently because a resolver had a bad moment.
  static std::optional<Endpoint> parse(std::string_view text);
  /// What is wrong with a text that parse() refuses: it "is not an address with a port", or it "names an
  /// interface that is unknown here, 'eth7'".
  static std::string why_not(const std::string& text);
  static Endpoint any_v6(std::uint16_t port);
  static Endpoint any_v4(std::uint16_t port);
  static Endpoint from_sockaddr(const sockaddr_storage& address, socklen_t size);

  int family() const noexcept { return address_.ss_family; }
  std::uint16_t port() const noexcept;
  Endpoint with_port(std::uint16_t port) const;
  std::string text() const;
  /// ::ffff:192.0.2.1, as a listener on [::] sees an IPv4 client (RFC 4291, 2.5.5.2), as 192.0.2.1. Others
  /// stay as they are.
  Endpoint unmapped() const;
  /// Whether a socket that listens here gets, or would get, clients of the other one: it has the same port,
  /// and is the same address or all of them ([::] takes IPv4 as well).
  bool covers(const Endpoint& other) const;
  /// The address without its port and without brackets: "127.0.0.1", "::1".
  std::string host() const;

  const sockaddr* address() const noexcept;
  socklen_t size() const noexcept { return size_; }

  friend bool operator==(const Endpoint& left, const Endpoint& right);

 private:
  sockaddr_storage address_{};
  socklen_t size_ = 0;
};

/// "127.0.0.1:8090", "[::1]:8090".
std::string endpoint_text(std::string_view host, unsigned port);

/// "127.0.0.1:8090, [::1]:8090".
std::string listed(const std::vector<Endpoint>& endpoints);

}  // namespace tcp_echo
