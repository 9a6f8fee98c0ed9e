// From an UpgradeState back to objects. The state keeps its descriptors: should the take-over fail, another
// program needs them. So these work on copies, and the originals are closed when nothing can fail any more.
#pragma once

#include <vector>

#include "tcp_echo/listeners/listener_set.hpp"
#include "tcp_echo/upgrade/upgrade_state.hpp"

namespace tcp_echo {

/// Throws FatalError.
ListenerSet listeners_from(const UpgradeState& state);
ListenerSet admin_listeners_from(const UpgradeState& state);
/// The other way round.
std::vector<AddressRecord> records_of(const ListenerSet& listeners);

/// Closes them all but `kept`, which goes on under its number.
void close_all_but(const std::vector<int>& descriptors, int kept);

}  // namespace tcp_echo
