#include "strangers.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

namespace tcp_echo {
namespace {

/// In the order of the network; of an IPv4 address only the first word is used.
using Address = std::array<std::uint32_t, 4>;

struct Listener {
  Address address;
  std::uint16_t port;
  ino_t inode;
};

template <class T>
T hexadecimal(std::string_view digits) {
  T value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return value;
}

/// Words of 32 bits, each printed as the number that the machine takes it for.
Address address_from(std::string_view digits) {
  constexpr std::size_t kDigitsOfAWord = 8;
  Address address{};
  for (auto& word : address) {
    word = hexadecimal<std::uint32_t>(digits.substr(0, kDigitsOfAWord));
    digits.remove_prefix(std::min(digits.size(), kDigitsOfAWord));
  }
  return address;
}

/// Nothing if the line is about a socket that does not listen.
std::optional<Listener> listener_in(const std::string& line) {
  std::istringstream stream(line);
  std::string number, local, remote, state, skipped;
  stream >> number >> local >> remote >> state;
  constexpr std::string_view kListening = "0A";
  const auto colon = local.find(':');
  if (state != kListening || colon == std::string::npos) return std::nullopt;
  constexpr int kFieldsBeforeInode = 5;  // queues, timer, retransmits, user, timeout
  for (int i = 0; i < kFieldsBeforeInode; ++i) stream >> skipped;
  Listener listener{};
  stream >> listener.inode;
  listener.address = address_from(std::string_view(local).substr(0, colon));
  listener.port = hexadecimal<std::uint16_t>(std::string_view(local).substr(colon + 1));
  return listener;
}

Address address_of(const Endpoint& endpoint) {
  Address address{};
  if (endpoint.family() == AF_INET) {
    std::memcpy(address.data(), &reinterpret_cast<const sockaddr_in*>(endpoint.address())->sin_addr,
                sizeof(in_addr));
  } else {
    std::memcpy(address.data(), &reinterpret_cast<const sockaddr_in6*>(endpoint.address())->sin6_addr,
                sizeof(in6_addr));
  }
  return address;
}

}  // namespace

bool strangers_listen(const Endpoint& endpoint, const std::vector<ino_t>& ours) {
  constexpr Address kAny{};
  const auto wanted = address_of(endpoint);
  for (const char* const path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream table(path);
    for (std::string line; std::getline(table, line);) {
      const auto listener = listener_in(line);
      if (!listener || listener->port != endpoint.port()) continue;
      const auto& address = listener->address;
      const bool overlaps = address == kAny || wanted == kAny || address == wanted;
      if (overlaps && std::find(ours.begin(), ours.end(), listener->inode) == ours.end()) return true;
    }
  }
  return false;
}

}  // namespace tcp_echo
