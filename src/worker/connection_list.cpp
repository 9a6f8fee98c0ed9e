#include "connection_list.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "tcp_echo/net/parties.hpp"
#include "tcp_echo/net/tcp_state.hpp"

namespace tcp_echo {
namespace {

std::uint64_t count_of(std::chrono::milliseconds time) {
  return static_cast<std::uint64_t>(std::max<std::chrono::milliseconds::rep>(time.count(), 0));
}

ListedAddress in_words(const Endpoint& endpoint) { return {endpoint.host(), endpoint.port()}; }

/// Nothing if its peer is of another network, or if it has broken, which the loop is about to hear.
std::optional<ListedConnection> describe(const Connection& connection, std::chrono::milliseconds now,
                                         const std::optional<Network>& peers) {
  const auto peer = peer_endpoint(connection.fd());
  if (!peer || (peers && !peers->contains(*peer))) return std::nullopt;
  const auto local = connected_endpoint(connection.fd());
  if (!local) return std::nullopt;
  const auto& state = connection.state();
  return ListedConnection{.peer = in_words(*peer),
                          .local = in_words(*local),
                          .listener = state.listener,
                          .is_lingering = state.phase == ConnectionState::Phase::kLingering,
                          .age = count_of(now - state.opened_at),
                          .idle = count_of(now - connection.last_activity()),
                          .received = state.received_bytes,
                          .sent = state.sent_bytes,
                          .unsent = state.unsent.rest().size(),
                          .unacknowledged = unacknowledged_bytes(connection.fd())};
}

}  // namespace

ListedMessage list_connections(const ConnectionTable& table, const ListMessage& question) {
  ListedMessage answer{.number = question.number};
  answer.connections.reserve(std::min(kMostListed, table.size()));
  const auto next = table.visit(question.place, kMostListed, [&](const Connection& connection) {
    if (auto found = describe(connection, table.now(), question.peers))
      answer.connections.push_back(std::move(*found));
  });
  answer.next = static_cast<std::uint32_t>(next);
  return answer;
}

}  // namespace tcp_echo
