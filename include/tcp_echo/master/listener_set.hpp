// The listening sockets: one per slot and address, made before any worker exists and never closed while the
// master runs. Closing one would reset the clients that wait in its accept queue; so workers only borrow
// them.
//
// Sockets that were inherited are the exception: they can get no siblings (the kernel wants SO_REUSEPORT on
// the first, and one user for all), so all slots share them. Whoever passed them keeps them, also after us.
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

  /// Inherited sockets, in place of those that the configuration names.
  static Result<ListenerSet> adopt(std::vector<UniqueFd> inherited, const Config& config);
  bool is_inherited() const noexcept { return is_inherited_; }

  /// Where clients can connect, with the real ports; in the order of the configuration.
  const std::vector<Endpoint>& endpoints() const noexcept { return endpoints_; }

  /// The descriptors of a slot, counted from 0; one per endpoint, in their order. Borrowed.
  std::vector<int> of_slot(unsigned slot) const;

  /// On the way to closing them: no new handshake begins any more, so that the queues can be emptied.
  /// Inherited ones are left alone. A socket that cannot be told is logged: its clients may see a reset.
  void refuse_handshakes() const;

 private:
  std::vector<Endpoint> endpoints_;
  std::vector<std::vector<UniqueFd>> slots_;  ///< of inherited ones the first has all
  bool is_inherited_ = false;
};

}  // namespace tcp_echo
