#include "tcp_echo/listeners/listener_set.hpp"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "tcp_echo/net/listening_socket.hpp"
#include "tcp_echo/net/socket_options.hpp"

namespace tcp_echo {
namespace {

std::vector<Endpoint> wanted_endpoints(const Config& config) {
  if (config.listen_is_default && !ipv6_available()) return {Endpoint::any_v4(config.listen.front().port())};
  return config.listen;
}

ListenerOptions listener_options(const Config& config) {
  ListenerOptions options;
  options.backlog = static_cast<int>(config.backlog);
  options.nodelay = config.nodelay;
  options.keepalive = std::chrono::ceil<std::chrono::seconds>(config.keepalive);
  return options;
}

Result<void> set_options(int fd, const Config& config) {
  const auto options = listener_options(config);
  return set_connection_options(fd, options.nodelay, options.keepalive);
}

/// The address of `addresses` that was wanted so, taken out of it.
std::optional<ListenerSet::Address> take(std::vector<ListenerSet::Address>& addresses,
                                         const Endpoint& wanted) {
  const auto found = std::find_if(addresses.begin(), addresses.end(),
                                  [&wanted](const auto& address) { return address.wanted == wanted; });
  if (found == addresses.end()) return std::nullopt;
  auto taken = std::move(*found);
  addresses.erase(found);
  return taken;
}

}  // namespace

Result<ListenerSet> ListenerSet::open(const Config& config, unsigned slots) {
  auto set = ListenerSet().changed_to(config, slots);
  if (!set) return set;
  if (auto listening = set->begin_to_listen(config); !listening) return tl::unexpected(listening.error());
  return set;
}

Result<ListenerSet> ListenerSet::adopt(std::vector<UniqueFd> inherited, const Config& config) {
  ListenerSet set;
  for (auto& listener : inherited) {
    if (auto done = set_options(listener.get(), config); !done) return tl::unexpected(done.error());
    const auto bound = local_endpoint(listener.get());
    if (!bound) return tl::unexpected(bound.error());
    set.addresses_.push_back({*bound, *bound, {std::make_shared<const UniqueFd>(std::move(listener))}});
  }
  set.is_inherited_ = true;
  set.number_addresses();
  return set;
}

ListenerSet ListenerSet::restore(std::vector<Address> addresses, bool is_inherited, ListenerId next_id) {
  ListenerSet set;
  set.addresses_ = std::move(addresses);
  set.is_inherited_ = is_inherited;
  set.next_id_ = next_id;
  set.number_addresses();
  return set;
}

Result<ListenerSet> ListenerSet::changed_to(const Config& config, unsigned slots) const {
  if (is_inherited_) return *this;
  ListenerSet set;
  set.next_id_ = next_id_;
  auto old = addresses_;
  for (const auto& wanted : wanted_endpoints(config)) {
    auto kept = take(old, wanted);
    set.addresses_.push_back(kept ? std::move(*kept) : Address{wanted, wanted, {}});
  }
  set.number_addresses();
  const auto ours = inodes();
  for (const auto& address : set.addresses_) {
    if (!address.by_slot.empty()) continue;
    if (auto probed = probe_address(address.wanted, ours); !probed) return tl::unexpected(probed.error());
  }
  if (auto done = set.bind_missing(config, slots); !done) return tl::unexpected(done.error());
  return set;
}

Result<ListenerSet> ListenerSet::grown_to(const Config& config, unsigned slots) const {
  auto set = *this;
  if (is_inherited_) return set;
  if (auto done = set.bind_missing(config, slots); !done) return tl::unexpected(done.error());
  return set;
}

Result<void> ListenerSet::bind_missing(const Config& config, unsigned slots) {
  for (auto& address : addresses_) {
    if (auto done = bind_missing(address, config, slots); !done) return done;
  }
  return {};
}

/// The first socket of an address picks the port for all, if that is left to the kernel.
Result<void> ListenerSet::bind_missing(Address& address, const Config& config, unsigned slots) {
  auto& sockets = address.by_slot;
  sockets.resize(std::max<std::size_t>(sockets.size(), slots));
  for (unsigned slot = 0; slot < slots; ++slot) {
    if (sockets[slot] != nullptr) continue;
    auto listener = bind_listener(address.bound, listener_options(config));
    if (!listener) return tl::unexpected(listener.error());
    if (address.bound.port() == 0) {
      const auto bound = local_endpoint(listener->get());
      if (!bound) return tl::unexpected(bound.error());
      address.bound = *bound;
    }
    sockets[slot] = std::make_shared<const UniqueFd>(std::move(*listener));
  }
  return {};
}

/// First what may fail: a new address may have been taken meanwhile.
Result<void> ListenerSet::begin_to_listen(const Config& config) const {
  for (const auto& address : addresses_) {
    for (const auto& socket : address.by_slot) {
      if (socket == nullptr || is_inherited_) continue;  // those listen already, with their owner's backlog
      if (auto listens = listen_on(socket->get(), address.bound, static_cast<int>(config.backlog)); !listens)
        return listens;
    }
  }
  for (const auto& address : addresses_) {
    for (const auto& socket : address.by_slot) {
      if (socket == nullptr) continue;
      if (auto set = set_options(socket->get(), config); !set) return set;
      if (!is_inherited_) reset_on_close(socket->get());
    }
  }
  return {};
}

std::vector<ListenerSet::Address> ListenerSet::without(const ListenerSet& other) const {
  auto left = addresses_;
  for (const auto& address : other.addresses_) take(left, address.wanted);
  return left;
}

std::vector<Endpoint> ListenerSet::endpoints() const {
  std::vector<Endpoint> endpoints;
  endpoints.reserve(addresses_.size());
  for (const auto& address : addresses_) endpoints.push_back(address.bound);
  return endpoints;
}

std::vector<int> ListenerSet::of_slot(unsigned slot) const {
  std::vector<int> fds;
  for (const auto& address : addresses_) {
    if (const auto socket = socket_of(address, slot); socket != nullptr) fds.push_back(socket->get());
  }
  return fds;
}

std::vector<ListenerId> ListenerSet::ids_of_slot(unsigned slot) const {
  std::vector<ListenerId> ids;
  for (const auto& address : addresses_) {
    if (socket_of(address, slot) != nullptr) ids.push_back(address.id);
  }
  return ids;
}

ListenerSet::Socket ListenerSet::socket_of(const Address& address, unsigned slot) const {
  const std::size_t index = is_inherited_ ? 0 : slot;
  return index < address.by_slot.size() ? address.by_slot[index] : nullptr;
}

void ListenerSet::number_addresses() {
  for (auto& address : addresses_) {
    if (address.id == 0) address.id = next_id_++;
  }
}

std::vector<ino_t> ListenerSet::inodes() const {
  std::vector<ino_t> found;
  for (const auto& address : addresses_) {
    for (const auto& socket : address.by_slot) {
      struct stat status {};
      if (socket != nullptr && ::fstat(socket->get(), &status) == 0) found.push_back(status.st_ino);
    }
  }
  return found;
}

void ListenerSet::refuse_handshakes() const {
  if (is_inherited_) return;
  for (const auto& address : addresses_) refuse_handshakes(address);
}

void ListenerSet::refuse_handshakes(const Address& address) {
  for (const auto& socket : address.by_slot) {
    if (socket == nullptr) continue;
    if (auto refused = tcp_echo::refuse_handshakes(socket->get()); !refused)
      spdlog::warn("{}: {}; clients that connect now may be reset", address.bound.text(),
                   refused.error().text);
  }
}

}  // namespace tcp_echo
