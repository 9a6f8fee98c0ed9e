#include "tcp_echo/listeners/admin_listener.hpp"

#include <spdlog/fmt/fmt.h>

namespace tcp_echo {
namespace {

tl::unexpected<Error> blaming_option(const Error& error) {
  return tl::unexpected(Error{error.code, "--admin-listen: " + error.text});
}

Result<void> check_apart(const Endpoint& admin, const ListenerSet& service) {
  for (const auto& endpoint : service.endpoints()) {
    if (!endpoint.covers(admin) && !admin.covers(endpoint)) continue;
    return failure(ExitCode::kUnavailable, fmt::format("cannot listen on {}: the service itself does, on {}",
                                                       admin.text(), endpoint.text()));
  }
  return {};
}

}  // namespace

Result<ListenerSet> admin_listener(const ListenerSet& now, const ListenerSet& service, const Config& config) {
  auto only = config;
  only.listen_is_default = false;
  only.listen.clear();
  if (config.admin_listen) {
    only.listen.push_back(*config.admin_listen);
    if (auto apart = check_apart(*config.admin_listen, service); !apart) return blaming_option(apart.error());
  }
  auto set = now.changed_to(only, 1);
  if (!set) return blaming_option(set.error());
  return set;
}

Result<void> begin_to_listen_for_admin(const ListenerSet& listener, const Config& config) {
  if (auto listens = listener.begin_to_listen(config); !listens) return blaming_option(listens.error());
  return {};
}

}  // namespace tcp_echo
