#include "tcp_echo/fleet/clearings.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "tcp_echo/base/text.hpp"
#include "tcp_echo/ipc/codec.hpp"

namespace tcp_echo {
namespace {

// A worker that has no descriptors left for listeners may be the only one.
constexpr std::chrono::milliseconds kRetry{100};

using Sockets = std::vector<ListenerSet::Socket>;

/// Those of one address, in portions that a message can carry.
std::vector<Sockets> portions_of(const ListenerSet::Address& address) {
  std::vector<Sockets> portions;
  for (const auto& socket : address.by_slot) {
    if (socket == nullptr) continue;
    if (portions.empty() || portions.back().size() == kMostDescriptors) portions.emplace_back();
    portions.back().push_back(socket);
  }
  return portions;
}

std::vector<int> descriptors_of(const Sockets& sockets) {
  std::vector<int> descriptors;
  descriptors.reserve(sockets.size());
  for (const auto& socket : sockets) descriptors.push_back(socket->get());
  return descriptors;
}

}  // namespace

struct Clearings::Clearing {
  Clearing(Clearings& clearings, std::uint32_t id, Sockets listeners, std::chrono::milliseconds time)
      : number(id),
        sockets(std::move(listeners)),
        overdue(clearings.loop_, [this, &clearings, time] { clearings.on_overdue(number, time); }) {
    overdue.start(time);
  }

  std::uint32_t number;
  Sockets sockets;
  std::optional<std::size_t> block;  ///< of the worker that takes who waits
  Timer overdue;
};

Clearings::Clearings(Loop& loop, Handlers handlers)
    : loop_(loop), handlers_(std::move(handlers)), retry_(loop, [this] { settle(); }) {}

Clearings::~Clearings() = default;

void Clearings::add(const std::vector<ListenerSet::Address>& addresses, std::chrono::milliseconds time) {
  for (const auto& address : addresses) {
    for (auto& sockets : portions_of(address))
      clearings_.push_back(std::make_unique<Clearing>(*this, next_number_++, std::move(sockets), time));
  }
  settle();
}

void Clearings::entrust_to(const Tell& tell) {
  for (const auto& clearing : clearings_) {
    if (!clearing->block) clearing->block = tell({clearing->number}, descriptors_of(clearing->sockets));
  }
}

bool Clearings::has_unassigned() const noexcept {
  return std::any_of(clearings_.begin(), clearings_.end(),
                     [](const auto& clearing) { return !clearing->block; });
}

Clearings::Clearing* Clearings::find(std::size_t block, std::uint32_t number) {
  const auto found =
      std::find_if(clearings_.begin(), clearings_.end(), [block, number](const auto& clearing) {
        return clearing->number == number && clearing->block == block;
      });
  return found == clearings_.end() ? nullptr : found->get();
}

void Clearings::on_cleared(std::size_t block, const ClearedMessage& message) {
  if (find(block, message.number) != nullptr) remove(message.number);
}

void Clearings::on_refused(std::size_t block, const RefuseClearMessage& message) {
  auto* const clearing = find(block, message.number);
  if (clearing == nullptr) return;
  clearing->block.reset();
  retry_.start(kRetry);
}

void Clearings::on_worker_gone(std::size_t block) {
  for (const auto& clearing : clearings_) {
    if (clearing->block == block) clearing->block.reset();
  }
}

void Clearings::on_overdue(std::uint32_t number, std::chrono::milliseconds time) {
  spdlog::warn("a listener that was removed is closed although clients may still wait there: {} have passed",
               format_duration(time));
  for (const auto& clearing : clearings_) {
    if (clearing->number == number && clearing->block) handlers_.tell(*clearing->block, {number});
  }
  remove(number);
}

void Clearings::remove(std::uint32_t number) {
  clearings_.remove_if([number](const auto& clearing) { return clearing->number == number; });
  handlers_.on_removed();
}

}  // namespace tcp_echo
