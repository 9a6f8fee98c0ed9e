// Where a worker accepts. A desk is one listener: of the worker's own slot, or of a slot whose worker cannot
// accept and whose listeners were lent to this one. A clearing takes the last clients of an address that is
// served no more.
//
// Owned by the Worker, which knows why something is to happen and tells the master what has; the desks know
// only on which listeners to accept, for which slot. The master has descriptors of its own on the same
// sockets: closing one here resets no client in its accept queue. Connections are the table's, and stay when
// their desk goes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/listener_id.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/echo/acceptor.hpp"
#include "tcp_echo/echo/behaviour.hpp"
#include "tcp_echo/echo/connection_table.hpp"
#include "tcp_echo/loop/loop.hpp"

namespace tcp_echo {

class Desks {
 public:
  /// Neither may close a desk or a clearing: its acceptor is in the middle of the call.
  struct Handlers {
    std::function<void()> on_emptied;  ///< after empty(): one desk is; has_nothing_to_empty() tells of all
    std::function<void(std::uint32_t number)>
        on_cleared;  ///< no client waits there any more, and the listeners are closed
  };

  struct Listener {
    UniqueFd socket;
    ListenerId id = 0;
  };

  struct Manner {
    bool waits = false;             ///< accepts no client before begin_to_accept()
    bool shares_listeners = false;  ///< all workers poll the same inherited sockets, open also after us
  };

  /// `behaviour` outlives the object.
  Desks(Loop& loop, Behaviour& behaviour, Handlers handlers);
  Desks(const Desks&) = delete;
  Desks& operator=(const Desks&) = delete;

  /// The own slot's desks: from now on there is a table for connections, which outlives the object. Once, and
  /// before lend() and clear(). Throws FatalError if a listener cannot be polled.
  void open(ConnectionTable& table, unsigned slot, std::vector<Listener> listeners, Manner manner);
  /// The master has said ACCEPT: it is certain that this worker is needed.
  void begin_to_accept();

  /// Accepts for that slot as well. All of the listeners, or none, and then nothing is left of what was lent
  /// for that slot before. Listeners get lost on their way to a worker at its limit of open files: none is a
  /// failure, here and below.
  Result<void> lend(unsigned slot, std::vector<Listener> listeners);
  /// That slot's own worker accepts again.
  void take_back(unsigned slot);

  /// Takes the clients that wait on these listeners, until none does. All of the listeners, or none. The
  /// master keeps new handshakes away.
  Result<void> clear(std::uint32_t number, std::vector<Listener> listeners);
  /// Closes them, though clients may still wait there; on_cleared is not called.
  void give_up(std::uint32_t number);

  /// Desks accept no more, and keep their descriptors: should the master die, this worker has to take the
  /// clients that wait. Clearings go on.
  void hold();
  /// For a worker whose master is gone, before empty(): from now on no new handshake begins at its desks.
  void keep_new_clients_away();
  /// Takes the clients that wait at the desks until none does, and those that come late. Shared listeners are
  /// closed instead: the sockets stay open outside of the service, whose next start serves their clients.
  void empty();
  /// No client waits that this worker is to take: every clearing is done, and after empty() every desk.
  bool has_nothing_to_empty() const noexcept;

  /// Closes the desks, and leaves the clients that wait there to other workers.
  void let_go();
  /// Closes the descriptors of the desks' listeners, so that their addresses are free. A handler may call it.
  void free_addresses() noexcept;
  /// Desks and clearings.
  void close_all();

  /// A connection has gone: where a limit made a desk or a clearing pause, it goes on.
  void on_room() noexcept;

 private:
  struct Desk {
    unsigned slot;
    std::unique_ptr<Acceptor> acceptor;
  };

  struct Clearing {
    std::uint32_t number;
    std::unique_ptr<Acceptor> acceptor;
  };

  using Acceptors = std::vector<std::unique_ptr<Acceptor>>;

  Acceptors acceptors_on(std::vector<Listener> listeners);
  Result<Acceptors> acceptors_on_received(std::vector<Listener> listeners);
  void accept_for(unsigned slot, Acceptors acceptors);
  void on_clearing_finished(std::uint32_t number) noexcept;
  void hear_out_clients() noexcept;

  Loop& loop_;
  Behaviour& behaviour_;
  Handlers handlers_;
  ConnectionTable* table_ = nullptr;  ///< once open
  bool waits_ = false;                ///< for begin_to_accept()
  bool shares_listeners_ = false;
  bool empties_ = false;  ///< empty() was called
  std::vector<Desk> desks_;
  std::vector<Clearing> clearings_;
};

}  // namespace tcp_echo
