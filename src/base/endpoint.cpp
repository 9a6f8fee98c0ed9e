#include "tcp_echo/base/endpoint.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <spdlog/fmt/fmt.h>

#include <array>
#include <cstring>
#include <limits>
#include <memory>

#include "tcp_echo/base/text.hpp"

namespace tcp_echo {
namespace {

struct HostAndPort {
  std::string host;
  std::uint16_t port;
  int family;
};

std::optional<HostAndPort> take_apart(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = parse_number(text.substr(colon + 1));
  if (!port || *port > std::numeric_limits<std::uint16_t>::max()) return std::nullopt;
  auto host = text.substr(0, colon);
  int family = AF_INET;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    family = AF_INET6;
    host = host.substr(1, host.size() - 2);
  }
  return HostAndPort{std::string(host), static_cast<std::uint16_t>(*port), family};
}

}  // namespace

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
  const auto parts = take_apart(text);
  if (!parts || parts->host.find('\0') != std::string::npos) return std::nullopt;
  // getaddrinfo would also read inet_aton's "127.1", "010.0.0.1" (octal) and "8090", which no operator means.
  in_addr four_numbers{};
  if (parts->family == AF_INET && ::inet_pton(AF_INET, parts->host.c_str(), &four_numbers) != 1)
    return std::nullopt;
  // getaddrinfo rather than inet_pton: it knows the scope of a link-local address (RFC 4007, section 11).
  addrinfo hints{};
  hints.ai_family = parts->family;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const auto port = std::to_string(parts->port);
  if (::getaddrinfo(parts->host.c_str(), port.c_str(), &hints, &found) != 0) return std::nullopt;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  Endpoint endpoint;
  std::memcpy(&endpoint.address_, found->ai_addr, found->ai_addrlen);
  endpoint.size_ = found->ai_addrlen;
  return endpoint;
}

std::string Endpoint::why_not(const std::string& text) {
  const auto percent = text.find('%');
  const auto end = text.rfind(']');
  if (percent < end && end != std::string::npos) {
    const auto interface = text.substr(percent + 1, end - percent - 1);
    const auto without = text.substr(0, percent) + text.substr(end);
    if (::if_nametoindex(interface.c_str()) == 0 && parse(without))
      return fmt::format("names an interface that is unknown here, {}", in_quotes(interface));
  }
  return "is not an address with a port";
}

Endpoint Endpoint::unmapped() const {
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address_);
  if (family() != AF_INET6 || IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) == 0) return *this;
  auto v4 = any_v4(port());
  constexpr std::size_t kPrefix = sizeof v6.sin6_addr - sizeof(in_addr);
  std::memcpy(&reinterpret_cast<sockaddr_in&>(v4.address_).sin_addr, &v6.sin6_addr.s6_addr[kPrefix],
              sizeof(in_addr));
  return v4;
}

Endpoint Endpoint::any_v6(std::uint16_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_any;
  address.sin6_port = htons(port);
  sockaddr_storage storage{};
  std::memcpy(&storage, &address, sizeof address);
  return from_sockaddr(storage, sizeof address);
}

Endpoint Endpoint::any_v4(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  address.sin_port = htons(port);
  sockaddr_storage storage{};
  std::memcpy(&storage, &address, sizeof address);
  return from_sockaddr(storage, sizeof address);
}

Endpoint Endpoint::from_sockaddr(const sockaddr_storage& address, socklen_t size) {
  Endpoint endpoint;
  endpoint.address_ = address;
  endpoint.size_ = size;
  return endpoint;
}

const sockaddr* Endpoint::address() const noexcept { return reinterpret_cast<const sockaddr*>(&address_); }

// sin_port and sin6_port lie at the same place; the two types differ only behind it.
static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));

std::uint16_t Endpoint::port() const noexcept {
  return ntohs(reinterpret_cast<const sockaddr_in&>(address_).sin_port);
}

Endpoint Endpoint::with_port(std::uint16_t port) const {
  Endpoint copy = *this;
  reinterpret_cast<sockaddr_in&>(copy.address_).sin_port = htons(port);
  return copy;
}

bool Endpoint::covers(const Endpoint& other) const {
  if (port() != other.port()) return false;
  const bool is_all_v4 = *this == any_v4(port()) && other.unmapped().family() == AF_INET;
  return is_all_v4 || *this == any_v6(port()) || unmapped() == other.unmapped();
}

std::string Endpoint::host() const {
  std::array<char, NI_MAXHOST> host{};
  const bool is_named =
      ::getnameinfo(address(), size_, host.data(), host.size(), nullptr, 0, NI_NUMERICHOST) == 0;
  return is_named ? host.data() : "";
}

std::string Endpoint::text() const {
  const auto name = host();
  return name.empty() ? "(no address)" : endpoint_text(name, port());
}

std::string endpoint_text(std::string_view host, unsigned port) {
  const bool is_v6 = host.find(':') != std::string_view::npos;
  return is_v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

bool operator==(const Endpoint& left, const Endpoint& right) {
  return left.size_ == right.size_ && std::memcmp(&left.address_, &right.address_, left.size_) == 0;
}

std::string listed(const std::vector<Endpoint>& endpoints) {
  std::string text;
  for (const auto& endpoint : endpoints) text += (text.empty() ? "" : ", ") + endpoint.text();
  return text;
}

}  // namespace tcp_echo
