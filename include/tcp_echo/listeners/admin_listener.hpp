// The listener of the admin process (--admin-listen).
#pragma once

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/config/config.hpp"
#include "tcp_echo/listeners/listener_set.hpp"

namespace tcp_echo {

/// As ListenerSet::changed_to(), for one slot and the address of the admin process; none if it is off. Fails
/// if it is an address of `service`: the kernel would let both have it, and give each a part of the clients.
Result<ListenerSet> admin_listener(const ListenerSet& now, const ListenerSet& service, const Config& config);

/// As ListenerSet::begin_to_listen().
Result<void> begin_to_listen_for_admin(const ListenerSet& listener, const Config& config);

}  // namespace tcp_echo
