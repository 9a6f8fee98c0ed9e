// What the workers of one generation have in common: they were started with one configuration, on one set of
// listeners. A reload or an upgrade makes the next one; workers of two may run side by side for a moment.
#pragma once

#include "tcp_echo/config/config.hpp"
#include "tcp_echo/listeners/listener_set.hpp"

namespace tcp_echo {

/// Never changed once it is made: a reload makes another one, and this one stays as long as anything uses it.
struct Generation {
  unsigned number = 1;
  Config config;
  ListenerSet listeners;
  ListenerSet admin = {};  ///< of the admin process, in its slot 0; no address: there is none
};

}  // namespace tcp_echo
