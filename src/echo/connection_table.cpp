#include "tcp_echo/echo/connection_table.hpp"

#include <spdlog/spdlog.h>

#include <cassert>

#include "tcp_echo/net/listening_socket.hpp"

namespace tcp_echo {

ConnectionTable::ConnectionTable(Loop& loop, EchoSettings settings, WorkerCounters& counters,
                                 std::function<void()> on_erased)
    : loop_(loop),
      settings_(std::move(settings)),
      counters_(counters),
      on_erased_(std::move(on_erased)),
      read_buffer_(std::make_unique<std::array<std::byte, kReadBufferSize>>()),
      idle_queue_(loop, settings_.idle_timeout,
                  [](IdleNode& node) { static_cast<Connection&>(node).on_quiet(); }),
      linger_queue_(loop, settings_.linger_timeout,
                    [](IdleNode& node) { static_cast<Connection&>(node).on_linger_over(); }) {}

ConnectionTable::~ConnectionTable() {
  assert(is_empty() && "a connection would call back into freed memory");
}

void ConnectionTable::add(UniqueFd fd, Behaviour& behaviour) {
  const auto index = static_cast<std::size_t>(fd.get());
  if (index >= by_descriptor_.size()) by_descriptor_.resize(index + 1);
  auto& place = by_descriptor_[index];
  assert(place == nullptr && "a descriptor is closed only when its connection is erased");
  auto connection = std::make_unique<Connection>(*this, std::move(fd), behaviour);
  counters_.accepted.add(1);
  if (const int status = connection->start(loop_); status != 0) {
    spdlog::error("a new connection cannot be polled and is closed: {}", uv_strerror(status));
    counters_.closed_for(CloseReason::kReset).add(1);
    return;
  }
  idle_queue_.add(*connection);
  place = std::move(connection);
  ++size_;
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

void ConnectionTable::erase(Connection& connection) noexcept {
  by_descriptor_[static_cast<std::size_t>(connection.fd())].reset();
  --size_;
  on_erased_();
}

}  // namespace tcp_echo
