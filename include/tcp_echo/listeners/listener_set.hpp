// The listening sockets: one per slot and address, made before any worker exists, and kept while their
// address is served. Closing one would reset the clients that wait in its accept queue; so workers only
// borrow them.
//
// Another configuration makes another set, which shares the sockets of the addresses that both have. A slot
// that was scaled away keeps its sockets: the worker of another slot accepts for it.
//
// Sockets that were inherited are the exception: they can get no siblings (the kernel wants SO_REUSEPORT on
// the first, and one user for all), so all slots share them. The process that passed them keeps them open,
// also after us.
#pragma once

#include <sys/types.h>

#include <memory>
#include <vector>

#include "tcp_echo/base/endpoint.hpp"
#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/listener_id.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/config/config.hpp"

namespace tcp_echo {

class ListenerSet {
 public:
  /// Shared by the sets that have it; closed with the last of them.
  using Socket = std::shared_ptr<const UniqueFd>;

  struct Address {
    Endpoint wanted;              ///< as configured; its port may be 0
    Endpoint bound;               ///< with the real port
    std::vector<Socket> by_slot;  ///< none for a slot that was scaled away before the address was added
    ListenerId id = 0;
  };

  /// All or nothing: every address is probed before the first one is opened.
  static Result<ListenerSet> open(const Config& config, unsigned slots);

  /// Inherited sockets, in place of those that the configuration names.
  static Result<ListenerSet> adopt(std::vector<UniqueFd> inherited, const Config& config);
  bool is_inherited() const noexcept { return is_inherited_; }

  /// As it was described by addresses(), is_inherited() and next_id(). Addresses without an id get one.
  static ListenerSet restore(std::vector<Address> addresses, bool is_inherited, ListenerId next_id = 1);

  /// The set for another configuration and number of slots. What both have is shared, an unchanged port 0
  /// keeps its port; what is new is bound, and listens only after begin_to_listen(). Inherited sockets stay
  /// as they are.
  Result<ListenerSet> changed_to(const Config& config, unsigned slots) const;
  /// The same addresses, for at least so many slots; as above.
  Result<ListenerSet> grown_to(const Config& config, unsigned slots) const;
  /// Clients can connect from now on; backlog and options are the configuration's, on shared sockets too.
  /// Connections are reset should their worker die, see reset_on_close() of net; not those of inherited
  /// sockets, whose owner may use them after us.
  Result<void> begin_to_listen(const Config& config) const;
  /// The addresses that the other set does not have.
  std::vector<Address> without(const ListenerSet& other) const;

  const std::vector<Address>& addresses() const noexcept { return addresses_; }
  /// That the next new address gets.
  ListenerId next_id() const noexcept { return next_id_; }
  /// Where clients can connect, with the real ports; in the order of the configuration.
  std::vector<Endpoint> endpoints() const;

  /// The descriptors of a slot, counted from 0, in the order of the endpoints; one for each that it has a
  /// socket of. Borrowed.
  std::vector<int> of_slot(unsigned slot) const;
  /// Of the same addresses, in the same order.
  std::vector<ListenerId> ids_of_slot(unsigned slot) const;

  /// On the way to closing them: no new handshake begins any more, so that the queues can be emptied.
  /// Inherited ones are left alone. A socket that cannot be told is logged: its clients may see a reset.
  void refuse_handshakes() const;
  static void refuse_handshakes(const Address& address);

 private:
  Result<void> bind_missing(const Config& config, unsigned slots);
  static Result<void> bind_missing(Address& address, const Config& config, unsigned slots);
  std::vector<ino_t> inodes() const;
  void number_addresses();
  /// Null if the slot has none there.
  Socket socket_of(const Address& address, unsigned slot) const;

  std::vector<Address> addresses_;
  ListenerId next_id_ = 1;
  bool is_inherited_ = false;
};

}  // namespace tcp_echo
