#include "tcp_echo/ipc/service_status.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <ctime>

namespace tcp_echo {
namespace {

// The master moves figures in a microsecond. One that was stopped in the middle of it must not stop its
// readers; they see some connections twice then.
constexpr int kMostTries = 1000;

std::vector<ListenerStatus> listeners_of(const MasterBlock& master) {
  std::vector<ListenerStatus> listeners;
  const auto count = std::min<std::size_t>(master.listener_count.load(), master.listeners.size());
  listeners.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto& entry = master.listeners[i];
    listeners.push_back({entry.address.get(), entry.port.load(), entry.accept_queue.load(), entry.accept_queue_limit.load()});
  }
  return listeners;
}

SlotStatus slot_status(const Scoreboard& scoreboard, std::size_t index, std::chrono::milliseconds now) {
  const auto& entry = scoreboard.master().slots.at(index);
  SlotStatus slot;
  slot.slot = static_cast<unsigned>(index + 1);
  slot.pid = entry.pid.load();
  slot.generation = entry.generation.load();
  slot.state = entry.state.load();
  slot.served_by = entry.served_by.load();
  for (std::size_t i = 0; i < slot.restarts.size(); ++i) slot.restarts[i] = entry.restarts[i].get();
  const auto started_at = entry.started_at.load();
  if (started_at != 0) slot.uptime = std::max(now - std::chrono::milliseconds(started_at), std::chrono::milliseconds(0));
  const auto block = entry.block.load();
  if (slot.pid != 0 && block < kMostBlocks) {
    constexpr double kPermille = 1000;
    const auto& counters = scoreboard.block(block);
    slot.busy_ratio = static_cast<double>(counters.busy_permille.get()) / kPermille;
    slot.loop_lag = std::chrono::microseconds(counters.lag_microseconds.get());
  }
  return slot;
}

/// What the slots' workers count, and what former ones did, in one moment.
std::vector<Tally> read_tallies(const Scoreboard& scoreboard, std::size_t slots) {
  const auto& master = scoreboard.master();
  std::vector<Tally> tallies;
  for (int tries = 0; tries < kMostTries; ++tries) {
    const auto moves = master.moves.load();
    tallies.assign(slots, Tally{});
    // Blocks first: who is handed over from one to another meanwhile is counted out of it last.
    const auto blocks = std::min<std::size_t>(master.blocks_used.load(), kMostBlocks);
    for (std::size_t i = 0; i < blocks; ++i) {
      const std::size_t owner = master.owners[i].load();
      if (owner != 0 && owner <= slots) tallies[owner - 1].add(scoreboard.block(i));
    }
    for (std::size_t i = 0; i < slots; ++i) tallies[i].add(master.slots[i].past);
    if (moves % 2 == 0 && master.moves.load() == moves) break;
  }
  return tallies;
}

}  // namespace

std::uint64_t SlotStatus::all_restarts() const noexcept {
  std::uint64_t sum = 0;
  for (const auto count : restarts) sum += count;
  return sum;
}

std::uint64_t ServiceStatus::worker_restarts() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& slot : slots) sum += slot.all_restarts();
  return sum;
}

ServiceStatus read_status(const Scoreboard& scoreboard, std::chrono::milliseconds now) {
  const auto& master = scoreboard.master();
  ServiceStatus status;
  status.version = master.program_version.get();
  status.pid = master.pid.load();
  status.uptime = now - std::chrono::milliseconds(master.started_at.load());
  status.started_on = std::chrono::milliseconds(master.started_on.load());
  status.generation = master.generation.load();
  status.state = master.state.load();
  status.listeners = listeners_of(master);
  const auto slots = std::min<std::size_t>(master.slot_count.load(), kMostSlots);
  const auto tallies = read_tallies(scoreboard, slots);
  status.slots.reserve(slots);
  for (std::size_t i = 0; i < slots; ++i) {
    status.slots.push_back(slot_status(scoreboard, i, now));
    status.slots.back().tally = tallies[i];
    status.totals.add(tallies[i]);
  }
  status.reloads = master.reloads.get();
  status.failed_reloads = master.failed_reloads.get();
  status.admin_restarts = master.admin_restarts.get();
  status.listen_overflows = master.listen_overflows.get();
  status.listen_drops = master.listen_drops.get();
  status.events = master.events.read();
  status.samples = master.samples.read();
  return status;
}

std::chrono::milliseconds monotonic_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::seconds(now.tv_sec) +
                                                               std::chrono::nanoseconds(now.tv_nsec));
}

bool is_healthy(const ServiceStatus& status) {
  switch (status.state) {
    case ServiceState::kStarting:
    case ServiceState::kStopping: return false;
    case ServiceState::kServing:
    case ServiceState::kReloading:
    case ServiceState::kUpgrading: return true;
  }
  return false;
}

std::optional<std::string> why_not_ready(const ServiceStatus& status) {
  if (!is_healthy(status)) return fmt::format("the service is {}", name_of(status.state));
  for (const auto& slot : status.slots) {
    if (slot.served_by == 0 && slot.state != WorkerState::kNone)
      return fmt::format("nobody accepts for worker {}, which is {}", slot.slot, name_of(slot.state));
  }
  return std::nullopt;
}

}  // namespace tcp_echo
