#include "tcp_echo/echo/connection_table.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "tcp_echo/net/listening_socket.hpp"
#include "tcp_echo/net/socket_options.hpp"

namespace tcp_echo {
namespace {

// Where no connection lingers, one may come that lingered at another worker, and a queue without a timeout
// would keep it.
constexpr std::chrono::milliseconds kNoTimeToLinger{1};

}  // namespace

ConnectionTable::ConnectionTable(Loop& loop, EchoSettings settings, WorkerCounters& counters,
                                 std::function<void()> on_erased)
    : loop_(loop),
      settings_(std::move(settings)),
      counters_(counters),
      on_erased_(std::move(on_erased)),
      read_buffer_(std::make_unique<std::array<std::byte, kReadBufferSize>>()),
      idle_queue_(loop, settings_.idle_timeout,
                  [](IdleNode& node) { static_cast<Connection&>(node).on_quiet(); }),
      linger_queue_(loop, std::max(settings_.linger_timeout, kNoTimeToLinger),
                    [](IdleNode& node) { static_cast<Connection&>(node).on_linger_over(); }) {}

ConnectionTable::~ConnectionTable() {
  assert(is_empty() && "a connection would call back into freed memory");
}

void ConnectionTable::add(UniqueFd fd, Behaviour& behaviour, ListenerId listener) {
  counters_.accepted.add(1);
  ConnectionState state;
  state.listener = listener;
  state.opened_at = loop_.now();
  auto* const added = place(std::make_unique<Connection>(*this, std::move(fd), behaviour, std::move(state)));
  if (added != nullptr) return idle_queue_.add(*added);
  ConnectionState refused;
  refused.opened_at = loop_.now();
  count_close(refused, CloseReason::kLimit);
}

void ConnectionTable::set_options(int fd) const noexcept {
  if (auto set = set_connection_options(fd, settings_.nodelay, settings_.keepalive); !set)
    spdlog::debug("a connection keeps the options that it has: {}", set.error().text);
  reset_on_close(fd);
}

Connection* ConnectionTable::adopt(UniqueFd fd, Behaviour& behaviour, ConnectionState state,
                                   Arrivals& arrivals) {
  const auto last_activity = state.last_activity;
  auto& place_in_queue =
      state.phase == ConnectionState::Phase::kLingering ? arrivals.lingering : arrivals.idle;
  auto* const adopted =
      place(std::make_unique<Connection>(*this, std::move(fd), behaviour, std::move(state)));
  if (adopted == nullptr) return nullptr;
  set_options(adopted->fd());  // it has those of a former configuration
  if (adopted->state().phase == ConnectionState::Phase::kLingering) fin_on_close(adopted->fd());
  counters_.handed_over_in.add(1);
  place_in_queue.insert(*adopted, last_activity);
  return adopted;
}

Connection* ConnectionTable::place(std::unique_ptr<Connection> connection) {
  if (const int status = connection->start(loop_); status != 0) {
    spdlog::error("a connection cannot be polled and is not taken: {}", uv_strerror(status));
    return nullptr;
  }
  const auto index = static_cast<std::size_t>(connection->fd());
  if (index >= by_descriptor_.size()) by_descriptor_.resize(index + 1);
  assert(by_descriptor_[index] == nullptr && "a descriptor is closed only when its connection is erased");
  by_descriptor_[index] = std::move(connection);
  ++size_;
  return by_descriptor_[index].get();
}

Connection* ConnectionTable::suspend_newest() noexcept {
  auto* newest = idle_queue_.newest();
  if (newest == nullptr) newest = linger_queue_.newest();
  if (newest == nullptr) return nullptr;
  auto& connection = static_cast<Connection&>(*newest);
  connection.suspend();
  return &connection;
}

std::size_t ConnectionTable::visit(std::size_t place, std::size_t most,
                                   const std::function<void(const Connection&)>& show) const {
  for (; place < by_descriptor_.size(); ++place) {
    const auto& connection = by_descriptor_[place];
    if (connection == nullptr || connection->is_closing()) continue;
    if (most-- == 0) return place;
    show(*connection);
  }
  return 0;
}

void ConnectionTable::drain() {
  draining_ = true;
  idle_queue_.set_timeout(kDrainQuiet);
}

void ConnectionTable::hear_out_all() noexcept {
  for (const auto& connection : by_descriptor_) {
    if (connection != nullptr) hear_out(connection->fd());
  }
}

void ConnectionTable::close_all() noexcept {
  for (const auto& connection : by_descriptor_) {
    if (connection != nullptr && !connection->is_closing()) connection->close_now(CloseReason::kDrain);
  }
}

void ConnectionTable::count_close(const ConnectionState& state, CloseReason reason) noexcept {
  const auto age = std::max(now() - state.opened_at, std::chrono::milliseconds(0));
  counters_.closed_for(reason).add(1);
  counters_.lifetimes.count(static_cast<std::uint64_t>(age.count()));
  counters_.sizes.count(state.received_bytes);
}

void ConnectionTable::erase(Connection& connection) noexcept {
  by_descriptor_[static_cast<std::size_t>(connection.fd())].reset();
  --size_;
  on_erased_();
}

}  // namespace tcp_echo
