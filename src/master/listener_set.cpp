#include "tcp_echo/master/listener_set.hpp"

#include <spdlog/spdlog.h>

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

}  // namespace

Result<ListenerSet> ListenerSet::open(const Config& config, unsigned slots) {
  ListenerSet set;
  set.endpoints_ = wanted_endpoints(config);
  for (const auto& endpoint : set.endpoints_) {
    if (auto probed = probe_address(endpoint); !probed) return tl::unexpected(probed.error());
  }
  const auto options = listener_options(config);
  set.slots_.resize(slots);
  for (auto& endpoint : set.endpoints_) {
    for (auto& slot : set.slots_) {
      auto listener = open_listener(endpoint, options);
      if (!listener) return tl::unexpected(listener.error());
      if (endpoint.port() == 0) {  // the first socket picks the port for all
        const auto bound = local_endpoint(listener->get());
        if (!bound) return tl::unexpected(bound.error());
        endpoint = *bound;
      }
      slot.push_back(std::move(*listener));
    }
  }
  return set;
}

Result<ListenerSet> ListenerSet::adopt(std::vector<UniqueFd> inherited, const Config& config) {
  ListenerSet set;
  const auto options = listener_options(config);
  for (const auto& listener : inherited) {
    if (auto done = set_connection_options(listener.get(), options.nodelay, options.keepalive); !done)
      return tl::unexpected(done.error());
    const auto bound = local_endpoint(listener.get());
    if (!bound) return tl::unexpected(bound.error());
    set.endpoints_.push_back(*bound);
  }
  set.slots_.push_back(std::move(inherited));
  set.is_inherited_ = true;
  return set;
}

std::vector<int> ListenerSet::of_slot(unsigned slot) const {
  std::vector<int> fds;
  for (const auto& listener : is_inherited_ ? slots_.front() : slots_.at(slot)) fds.push_back(listener.get());
  return fds;
}

void ListenerSet::refuse_handshakes() const {
  if (is_inherited_) return;
  for (const auto& slot : slots_) {
    for (std::size_t i = 0; i < slot.size(); ++i) {
      if (auto refused = tcp_echo::refuse_handshakes(slot[i].get()); !refused) {
        spdlog::warn("{}: {}; clients that connect during the stop may be reset", endpoints_[i].text(),
                     refused.error().text);
      }
    }
  }
}

}  // namespace tcp_echo
