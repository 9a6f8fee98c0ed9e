#include "tcp_echo/master/listener_set.hpp"

#include "tcp_echo/net/listening_socket.hpp"

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

std::vector<int> ListenerSet::of_slot(unsigned slot) const {
  std::vector<int> fds;
  for (const auto& listener : slots_.at(slot)) fds.push_back(listener.get());
  return fds;
}

}  // namespace tcp_echo
