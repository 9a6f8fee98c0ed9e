// A range of IP addresses and its text (CIDR, RFC 4632): "10.0.0.0/8", "2001:db8::/32", "192.0.2.1".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tcp_echo/base/endpoint.hpp"

namespace tcp_echo {

/// Plain values. A network of IPv4 addresses stands among those of IPv6, as ::ffff:192.0.2.0/120.
struct Network {
  static constexpr unsigned kBits = 128;
  using Address = std::array<std::uint8_t, kBits / 8>;

  Address address{};
  std::uint8_t prefix_bits = kBits;  ///< at most that

  /// An address alone is a network of one. Bits behind the prefix do not count: "10.1.2.3/8" is "10.0.0.0/8".
  static std::optional<Network> parse(std::string_view text);
  /// What is wrong with a text that parse() refuses, and what is allowed.
  static std::string why_not(std::string_view text);

  /// Whatever its port and its interface. An IPv4 address is in networks of IPv4 only, also if it is written
  /// as one of IPv6.
  bool contains(const Endpoint& endpoint) const noexcept;

  bool operator==(const Network&) const = default;
};

}  // namespace tcp_echo
