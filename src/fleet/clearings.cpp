#include "clearings.hpp"

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
  Clearing(Clearings& clearings, ClearMessage what, Sockets listeners, std::chrono::milliseconds time)
      : message(what),
        sockets(std::move(listeners)),
        overdue(clearings.clock_, [this, &clearings, time] { clearings.on_overdue(message.number, time); }) {
    overdue.start(time);
  }

  ClearMessage message;
  Sockets sockets;
  Child* worker = nullptr;  ///< takes the clients that wait; null: no worker does for now
  Timer overdue;
};

Clearings::Clearings(Timekeeper& clock, Tell tell_a_serving_worker, std::function<void()> on_change)
    : clock_(clock),
      tell_a_serving_worker_(std::move(tell_a_serving_worker)),
      on_change_(std::move(on_change)),
      retry_(clock, [this] {
        settle();
        on_change_();
      }) {}

Clearings::~Clearings() = default;

void Clearings::add(const std::vector<ListenerSet::Address>& addresses, std::chrono::milliseconds time) {
  for (const auto& address : addresses) {
    for (auto& sockets : portions_of(address))
      clearings_.push_back(std::make_unique<Clearing>(*this, ClearMessage{next_number_++, address.id},
                                                      std::move(sockets), time));
  }
  settle();
}

/// A worker that cannot be told now may be told in a moment, and nothing else need happen until then.
void Clearings::settle() {
  entrust_to(tell_a_serving_worker_);
  if (has_unassigned() && !retry_.is_running()) retry_.start(kRetry);
}

void Clearings::entrust_to(const Tell& tell) {
  for (const auto& clearing : clearings_) {
    if (clearing->worker == nullptr)
      clearing->worker = tell(clearing->message, descriptors_of(clearing->sockets));
  }
}

bool Clearings::has_unassigned() const noexcept {
  return std::any_of(clearings_.begin(), clearings_.end(),
                     [](const auto& clearing) { return clearing->worker == nullptr; });
}

Clearings::Clearing* Clearings::find(const Child& worker, std::uint32_t number) {
  const auto found =
      std::find_if(clearings_.begin(), clearings_.end(), [&worker, number](const auto& clearing) {
        return clearing->message.number == number && clearing->worker == &worker;
      });
  return found == clearings_.end() ? nullptr : found->get();
}

void Clearings::on_cleared(const Child& worker, std::uint32_t number) {
  if (find(worker, number) != nullptr) remove(number);
}

void Clearings::on_refused(const Child& worker, std::uint32_t number) {
  auto* const clearing = find(worker, number);
  if (clearing == nullptr) return;
  clearing->worker = nullptr;
  retry_.start(kRetry);
}

void Clearings::on_worker_gone(const Child& worker) {
  for (const auto& clearing : clearings_) {
    if (clearing->worker == &worker) clearing->worker = nullptr;
  }
}

void Clearings::on_overdue(std::uint32_t number, std::chrono::milliseconds time) {
  spdlog::warn("a listener that was removed is closed although clients may still wait there: {} have passed",
               format_duration(time));
  for (const auto& clearing : clearings_) {
    if (clearing->message.number == number && clearing->worker != nullptr)
      clearing->worker->tell(GiveUpMessage{number});
  }
  remove(number);
}

void Clearings::remove(std::uint32_t number) {
  clearings_.remove_if([number](const auto& clearing) { return clearing->message.number == number; });
  on_change_();
}

}  // namespace tcp_echo
