// The listening sockets: one per slot and address, made before any worker exists and never closed while the
// master runs. Closing one would reset the clients that wait in its accept queue; so workers only borrow
// them.
#pragma once

#include <string>
#include <vector>

#include "tcp_echo/base/endpoint.hpp"
#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/config/config.hpp"

namespace tcp_echo {

class ListenerSet {
 public:
  /// All or nothing: every address is probed before the first one is opened.
  static Result<ListenerSet> open(const Config& config, unsigned slots);

  /// Where clients can connect, with the real ports; in the order of the configuration.
  const std::vector<Endpoint>& endpoints() const noexcept { return endpoints_; }

  /// The descriptors of a slot, counted from 0; one per endpoint, in their order. Borrowed.
  std::vector<int> of_slot(unsigned slot) const;

 private:
  std::vector<Endpoint> endpoints_;
  std::vector<std::vector<UniqueFd>> slots_;
};

}  // namespace tcp_echo
