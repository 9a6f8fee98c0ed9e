#include "tcp_echo/base/network.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "tcp_echo/base/text.hpp"

namespace tcp_echo {
namespace {

constexpr unsigned kByteBits = 8;
constexpr unsigned kV4Bits = 32;
/// Of ::ffff:0:0/96, in front of an IPv4 address.
constexpr unsigned kMappedBits = Network::kBits - kV4Bits;

Network::Address mapped(const in_addr& v4) noexcept {
  Network::Address address{};
  constexpr std::size_t kFirst = kMappedBits / kByteBits;
  address[kFirst - 2] = address[kFirst - 1] = 0xff;
  std::memcpy(&address[kFirst], &v4, sizeof v4);
  return address;
}

Network::Address bytes_of(const in6_addr& v6) noexcept {
  Network::Address address{};
  std::memcpy(address.data(), &v6, sizeof v6);
  return address;
}

bool is_v4(const Endpoint& endpoint) noexcept { return endpoint.unmapped().family() == AF_INET; }

Network::Address address_of(const Endpoint& endpoint) noexcept {
  if (endpoint.family() == AF_INET)
    return mapped(reinterpret_cast<const sockaddr_in*>(endpoint.address())->sin_addr);
  return bytes_of(reinterpret_cast<const sockaddr_in6*>(endpoint.address())->sin6_addr);
}

/// An address that is a network of one.
std::optional<Network> parse_address(const std::string& text) {
  if (text.find('\0') != std::string::npos) return std::nullopt;
  in_addr v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) return Network{mapped(v4), Network::kBits};
  in6_addr v6{};
  if (::inet_pton(AF_INET6, text.c_str(), &v6) == 1) return Network{bytes_of(v6), Network::kBits};
  return std::nullopt;
}

/// The bits of that byte that belong to the prefix.
std::uint8_t mask_of(std::size_t byte, unsigned prefix_bits) noexcept {
  const auto before = static_cast<unsigned>(byte) * kByteBits;
  const auto bits = std::min(kByteBits, prefix_bits - std::min(prefix_bits, before));
  return static_cast<std::uint8_t>(0xff00U >> bits);
}

}  // namespace

std::optional<Network> Network::parse(std::string_view text) {
  const auto slash = text.find('/');
  auto network = parse_address(std::string(text.substr(0, slash)));
  if (!network || slash == std::string_view::npos) return network;
  const bool is_v4 = text.substr(0, slash).find(':') == std::string_view::npos;
  const auto bits = parse_number(text.substr(slash + 1));
  if (!bits || *bits > (is_v4 ? kV4Bits : kBits)) return std::nullopt;
  network->prefix_bits = static_cast<std::uint8_t>(*bits + (is_v4 ? kMappedBits : 0));
  for (std::size_t i = 0; i < network->address.size(); ++i)
    network->address[i] &= mask_of(i, network->prefix_bits);
  return network;
}

std::string Network::why_not(std::string_view text) {
  return fmt::format(
      "{} is no network; allowed: an address, without a port, or one with the length of its prefix, "
      "as in 192.0.2.0/24 or 2001:db8::/32",
      in_quotes(text));
}

bool Network::contains(const Endpoint& endpoint) const noexcept {
  if (prefix_bits < kMappedBits && is_v4(endpoint)) return false;
  const auto other = address_of(endpoint);
  for (std::size_t i = 0; i < address.size(); ++i)
    if (((address[i] ^ other[i]) & mask_of(i, prefix_bits)) != 0) return false;
  return true;
}

}  // namespace tcp_echo
