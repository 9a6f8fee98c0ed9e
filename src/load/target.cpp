#include "tcp_echo/load/target.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <spdlog/fmt/fmt.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>

#include "tcp_echo/base/text.hpp"
#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo {
namespace {

/// For one of several addresses to accept a connection.
constexpr int kPatienceMs = 1000;

struct Name {
  std::string host;
  std::string port;
};

/// A name may hold anything but what would make it an IPv6 address without brackets.
std::optional<Name> take_apart_name(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  const auto host = text.substr(0, colon);
  const auto port = parse_number(text.substr(colon + 1));
  if (!port || *port == 0 || *port > std::numeric_limits<std::uint16_t>::max()) return std::nullopt;
  if (host.find_first_of(std::string_view(":[]\0", 4)) != std::string_view::npos) return std::nullopt;
  return Name{std::string(host), std::to_string(*port)};
}

/// By the resolver; may take as long as that does.
Result<std::vector<Endpoint>> addresses_of(const Name& name, int family) {
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(name.host.c_str(), name.port.c_str(), &hints, &found);
  if (error != 0) {
    const std::string why = error == EAI_SYSTEM ? reason_of(errno) : gai_strerror(error);
    return failure(ExitCode::kUnavailable,
                   fmt::format("cannot find the address of {}: {}", in_quotes(name.host), why));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  std::vector<Endpoint> addresses;
  for (const auto* each = found; each != nullptr; each = each->ai_next) {
    sockaddr_storage address{};
    std::memcpy(&address, each->ai_addr, each->ai_addrlen);
    addresses.push_back(Endpoint::from_sockaddr(address, each->ai_addrlen));
  }
  return addresses;
}

bool accepts_connections(const Endpoint& endpoint) {
  const UniqueFd fd(::socket(endpoint.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return false;
  if (::connect(fd.get(), endpoint.address(), endpoint.size()) == 0) return true;
  if (errno != EINPROGRESS) return false;
  struct pollfd connected = {fd.get(), POLLOUT, 0};
  return ::poll(&connected, 1, kPatienceMs) == 1 && (connected.revents & (POLLERR | POLLHUP)) == 0;
}

std::string without_port(const Endpoint& endpoint) {
  const auto text = endpoint.text();
  return text.substr(0, text.rfind(':'));
}

tl::unexpected<Error> another_family(const Endpoint& source, const std::string& target) {
  return failure(
      ExitCode::kUsage,
      fmt::format("--source-address: {} cannot reach {}; allowed: addresses of the target's family",
                  without_port(source), in_quotes(target)));
}

}  // namespace

Result<Endpoint> find_target(const std::string& text, const std::vector<Endpoint>& sources) {
  const auto numbers = Endpoint::parse(text);
  if (numbers && numbers->port() != 0) {
    if (!sources.empty() && sources.front().family() != numbers->family())
      return another_family(sources.front(), text);
    return *numbers;
  }
  const auto name = take_apart_name(text);
  if (numbers || !name) {
    return failure(ExitCode::kUsage,
                   fmt::format("the target {} {}; allowed: HOST:PORT such as 127.0.0.1:8090, "
                               "[::1]:8090 or localhost:8090, with a port from 1 to 65535",
                               in_quotes(text), numbers ? "has no port" : Endpoint::why_not(text)));
  }
  const auto addresses = addresses_of(*name, sources.empty() ? AF_UNSPEC : sources.front().family());
  if (!addresses) return tl::unexpected(addresses.error());
  if (addresses->size() == 1) return addresses->front();
  for (const auto& address : *addresses) {
    if (accepts_connections(address)) return address;
  }
  return addresses->front();
}

int bind_source(int fd, const Endpoint& source) noexcept {
  const int later = 1;
  // A kernel without it still binds, to a port that must be free for all targets.
  ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &later, sizeof later);
  return ::bind(fd, source.address(), source.size()) == 0 ? 0 : errno;
}

Result<void> check_sources(const std::vector<Endpoint>& sources) {
  for (const auto& source : sources) {
    const UniqueFd fd(::socket(source.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) return system_failure("socket", errno);
    if (const int error = bind_source(fd.get(), source); error != 0) {
      return failure(ExitCode::kUnavailable, fmt::format("--source-address: cannot connect from {}: {}",
                                                         without_port(source), reason_of(error)));
    }
  }
  return {};
}

}  // namespace tcp_echo
