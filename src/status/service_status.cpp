#include "tcp_echo/status/service_status.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace tcp_echo {
namespace {

using std::chrono::milliseconds;

constexpr double kPermille = 1000;

std::vector<ListenerStatus> listeners_of(const MasterBlock& master) {
  std::vector<ListenerStatus> listeners;
  const auto count = std::min<std::size_t>(master.address_count.load(), master.addresses.size());
  for (std::size_t i = 0; i < count; ++i) {
    const auto& entry = master.addresses.at(i);
    listeners.push_back({entry.address.get(), entry.port.load(), entry.waiting.load(), entry.room.load(),
                         entry.fullest.load() / kPermille});
  }
  return listeners;
}

milliseconds since(const std::atomic<std::int64_t>& moment, milliseconds now) {
  return std::max(now - milliseconds(moment.load()), milliseconds(0));
}

SlotStatus slot_status(const Scoreboard& scoreboard, std::size_t index, milliseconds now) {
  const auto& entry = scoreboard.master().slots.at(index);
  SlotStatus slot;
  slot.slot = static_cast<unsigned>(index + 1);
  slot.pid = entry.pid.load();
  slot.generation = entry.generation.load();
  slot.state = entry.state.load();
  slot.served_by = entry.served_by.load();
  for (std::size_t i = 0; i < slot.restarts.size(); ++i) slot.restarts.at(i) = entry.restarts.at(i).get();
  const auto block = entry.block.load();
  if (slot.pid == 0 || block >= kMostBlocks) return slot;
  slot.uptime = since(entry.started_at, now);
  const auto& counters = scoreboard.block(block);
  slot.busy_ratio = static_cast<double>(counters.busy_permille.get()) / kPermille;
  slot.loop_lag = std::chrono::microseconds(counters.lag_microseconds.get());
  return slot;
}

}  // namespace

std::uint64_t SlotStatus::all_restarts() const noexcept {
  return std::accumulate(restarts.begin(), restarts.end(), std::uint64_t{0});
}

std::uint64_t SlotStatus::failures() const noexcept {
  return all_restarts() - restarts.at(static_cast<std::size_t>(RestartReason::kRequested));
}

std::uint64_t ServiceStatus::worker_restarts() const noexcept {
  return std::accumulate(slots.begin(), slots.end(), std::uint64_t{0},
                         [](auto sum, const auto& slot) { return sum + slot.all_restarts(); });
}

bool ServiceStatus::is_healthy() const noexcept {
  switch (state) {
    case ServiceState::kStarting:
    case ServiceState::kStopping: return false;
    case ServiceState::kServing:
    case ServiceState::kReloading:
    case ServiceState::kUpgrading: return true;
  }
  return false;
}

std::optional<std::string> ServiceStatus::why_not_ready() const {
  if (!is_healthy()) return fmt::format("the service is {}", name_of(state));
  for (const auto& slot : slots) {
    if (slot.served_by == 0)
      return fmt::format("no worker accepts the clients of worker {}, which is {}", slot.slot,
                         name_of(slot.state));
  }
  return std::nullopt;
}

ServiceStatus read_status(const Scoreboard& scoreboard, milliseconds now) {
  const auto& master = scoreboard.master();
  ServiceStatus status;
  status.version = master.program_version.get();
  status.pid = master.pid.load();
  status.uptime = since(master.started_at, now);
  status.started_on = milliseconds(master.started_on.load());
  status.generation = master.generation.load();
  status.state = master.state.load();
  status.listeners = listeners_of(master);
  status.admin_address = master.admin_address.get();
  status.admin_failures = master.admin_failures.get();
  status.reloads = master.reloads.get();
  status.failed_reloads = master.failed_reloads.get();
  status.listen_overflows = master.listen_overflows.get();
  status.listen_drops = master.listen_drops.get();
  const auto slots = std::min<std::size_t>(master.slot_count.load(), kMostSlots);
  auto tallies = scoreboard.tallies(slots);
  for (std::size_t i = 0; i < slots; ++i) {
    status.slots.push_back(slot_status(scoreboard, i, now));
    status.totals.add(tallies[i]);
    status.slots.back().tally = std::move(tallies[i]);
  }
  return status;
}

}  // namespace tcp_echo
