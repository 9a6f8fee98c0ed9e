#include "desks.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "tcp_echo/net/listening_socket.hpp"

namespace tcp_echo {

Desks::Desks(Loop& loop, Behaviour& behaviour, Handlers handlers)
    : loop_(loop), behaviour_(behaviour), handlers_(std::move(handlers)) {}

void Desks::open(ConnectionTable& table, unsigned slot, std::vector<Listener> listeners, Manner manner) {
  table_ = &table;
  waits_ = manner.waits;
  shares_listeners_ = manner.shares_listeners;
  accept_for(slot, acceptors_on(std::move(listeners)));
}

void Desks::begin_to_accept() {
  if (!std::exchange(waits_, false)) return;
  for (const auto& desk : desks_) desk.acceptor->go_on();
}

Result<void> Desks::lend(unsigned slot, std::vector<Listener> listeners) {
  auto acceptors = acceptors_on_received(std::move(listeners));
  if (!acceptors) {
    take_back(slot);
    return tl::unexpected(acceptors.error());
  }
  accept_for(slot, std::move(*acceptors));
  return {};
}

void Desks::take_back(unsigned slot) {
  std::erase_if(desks_, [slot](const Desk& desk) { return desk.slot == slot; });
}

Result<void> Desks::clear(std::uint32_t number, std::vector<Listener> listeners) {
  auto acceptors = acceptors_on_received(std::move(listeners));
  if (!acceptors) return tl::unexpected(acceptors.error());
  for (auto& acceptor : *acceptors) {
    acceptor->finish([this, number] { on_clearing_finished(number); });
    clearings_.push_back({number, std::move(acceptor)});
  }
  return {};
}

void Desks::give_up(std::uint32_t number) {
  std::erase_if(clearings_, [number](const Clearing& clearing) { return clearing.number == number; });
}

void Desks::hold() {
  for (const auto& desk : desks_) desk.acceptor->hold();
  hear_out_clients();
}

void Desks::keep_new_clients_away() {
  if (shares_listeners_) return;
  for (const auto& desk : desks_) {
    if (auto refused = refuse_handshakes(desk.acceptor->listener()); !refused)
      spdlog::warn("{}; clients that connect now may be reset", refused.error().text);
  }
}

void Desks::empty() {
  empties_ = true;
  if (shares_listeners_) desks_.clear();
  for (const auto& desk : desks_) desk.acceptor->finish([this] { handlers_.on_emptied(); });
  hear_out_clients();
}

bool Desks::has_nothing_to_empty() const noexcept {
  const auto is_finished = [](const auto& each) { return each.acceptor->is_finished(); };
  return (!empties_ || std::all_of(desks_.begin(), desks_.end(), is_finished)) &&
         std::all_of(clearings_.begin(), clearings_.end(), is_finished);
}

void Desks::let_go() { desks_.clear(); }

void Desks::free_addresses() noexcept {
  for (const auto& desk : desks_) desk.acceptor->let_go();
}

void Desks::close_all() {
  clearings_.clear();
  desks_.clear();
}

void Desks::on_room() noexcept {
  for (const auto& desk : desks_) desk.acceptor->on_room();
  for (const auto& clearing : clearings_) clearing.acceptor->on_room();
  // At a limit the desk that is polled first gets the place that became free: so each has its turn.
  if (desks_.size() > 1) std::rotate(desks_.begin(), desks_.begin() + 1, desks_.end());
}

Desks::Acceptors Desks::acceptors_on(std::vector<Listener> listeners) {
  Acceptors acceptors;
  acceptors.reserve(listeners.size());
  for (auto& listener : listeners) {
    auto name = value_or_throw(local_endpoint(listener.socket.get())).text();
    acceptors.push_back(std::make_unique<Acceptor>(loop_, std::move(listener.socket), std::move(name),
                                                   behaviour_, *table_, listener.id));
  }
  return acceptors;
}

/// For listeners that came with a message.
Result<Desks::Acceptors> Desks::acceptors_on_received(std::vector<Listener> listeners) {
  if (listeners.empty()) return failure(ExitCode::kOsError, "the open-files limit is reached");
  try {
    return acceptors_on(std::move(listeners));
  } catch (const FatalError& error) {
    return failure(error.code(), error.what());
  }
}

void Desks::accept_for(unsigned slot, Acceptors acceptors) {
  for (auto& acceptor : acceptors) {
    if (waits_) acceptor->hold();
    desks_.push_back({slot, std::move(acceptor)});
  }
}

void Desks::on_clearing_finished(std::uint32_t number) noexcept {
  const auto waits = [number](const Clearing& clearing) {
    return clearing.number == number && !clearing.acceptor->is_finished();
  };
  if (std::any_of(clearings_.begin(), clearings_.end(), waits)) return;
  for (const auto& clearing : clearings_) {
    if (clearing.number == number) clearing.acceptor->let_go();
  }
  handlers_.on_cleared(number);
}

/// For clients that were accepted after the master had begun to keep handshakes away, and before it told us.
void Desks::hear_out_clients() noexcept {
  const auto is_deaf = [](const Desk& desk) { return makes_deaf(desk.acceptor->listener()); };
  if (std::any_of(desks_.begin(), desks_.end(), is_deaf)) table_->hear_out_all();
}

}  // namespace tcp_echo
