// What lies where in the scoreboard's memory.
//
// Every part has room for what is still to come, so that what is there today stays where it is. All-zero is
// the first state of everything.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tcp_echo/base/counters.hpp"
#include "tcp_echo/ipc/shared_ring.hpp"
#include "tcp_echo/ipc/shared_text.hpp"

namespace tcp_echo {

/// Raised whenever something changes its place: a process maps only what it understands.
inline constexpr std::uint32_t kScoreboardVersion = 5;

inline constexpr std::size_t kMostSlots = 1024;

/// Two generations of workers share the slots during a reload, and some more may be on their way out.
inline constexpr std::size_t kMostBlocks = 4 * kMostSlots;

inline constexpr std::size_t kMostAddressesShown = 64;

enum class WorkerState : std::uint8_t {
  kNone,  ///< the slot never had a worker, or its last one has gone for good
  kStarting,
  kServing,  ///< its worker is READY
  kHung,
  kStopping,
  kWaiting,  ///< its worker has failed; the next one is started after a delay
  kRetired,  ///< scaled away: its listeners are lent to the worker of another slot
};

constexpr std::string_view name_of(WorkerState state) {
  switch (state) {
    case WorkerState::kNone: return "none";
    case WorkerState::kStarting: return "starting";
    case WorkerState::kServing: return "serving";
    case WorkerState::kHung: return "hung";
    case WorkerState::kStopping: return "stopping";
    case WorkerState::kWaiting: return "waiting";
    case WorkerState::kRetired: return "retired";
  }
  return "";
}

enum class ServiceState : std::uint8_t { kStarting, kServing, kReloading, kUpgrading, kStopping };

constexpr std::string_view name_of(ServiceState state) {
  switch (state) {
    case ServiceState::kStarting: return "starting";
    case ServiceState::kServing: return "serving";
    case ServiceState::kReloading: return "reloading";
    case ServiceState::kUpgrading: return "upgrading";
    case ServiceState::kStopping: return "stopping";
  }
  return "";
}

/// Why a slot got another process, outside a reload.
enum class RestartReason : std::uint8_t {
  kCrash,      ///< the former one died from a signal, or ended with an error
  kExit,       ///< it ended without an error, and without being told to
  kHung,       ///< the watchdog killed it
  kLate,       ///< it was not READY in time
  kNoStart,    ///< it could not even be started
  kRequested,  ///< an operator or the worker itself wanted a successor
};
inline constexpr std::size_t kRestartReasonCount = static_cast<std::size_t>(RestartReason::kRequested) + 1;

constexpr std::string_view name_of(RestartReason reason) {
  switch (reason) {
    case RestartReason::kCrash: return "crash";
    case RestartReason::kExit: return "exit";
    case RestartReason::kHung: return "hung";
    case RestartReason::kLate: return "late";
    case RestartReason::kNoStart: return "no_start";
    case RestartReason::kRequested: return "requested";
  }
  return "";
}

/// A slot as the master sees it. Written by the master.
struct SlotEntry {
  std::atomic<std::int32_t> pid{0};  ///< 0: no process
  std::atomic<std::uint32_t> block{0};
  std::atomic<std::uint32_t> generation{0};
  std::atomic<WorkerState> state{WorkerState::kNone};
  std::atomic<std::uint32_t> served_by{0};  ///< the slot whose worker accepts here, from 1; 0: none does
  std::atomic<std::int64_t> started_at{0};  ///< its process, in milliseconds of the monotonic clock
  std::array<Counter, kRestartReasonCount> restarts;
  WorkerCounters past;  ///< what this slot's former workers counted

  Counter& restarts_for(RestartReason reason) noexcept { return restarts[static_cast<std::size_t>(reason)]; }
};

/// A listen address, with the sockets that all slots have for it. Written by the master.
struct AddressEntry {
  SharedText<64> address;  ///< without the port
  std::atomic<std::uint32_t> port{0};
  std::atomic<std::uint32_t> waiting{0};  ///< clients in the accept queues
  std::atomic<std::uint32_t> room{0};     ///< for so many, in all of the queues
  std::atomic<std::uint32_t> fullest{0};  ///< how full the fullest queue is, in permille
};

/// What an operator wants to know of later. Their names are for scripts.
enum class EventKind : std::uint8_t {
  kStarted,
  kStopping,
  kCrashed,    ///< a worker died from a signal, or ended with an error
  kHung,       ///< a worker's loop stood still, and the watchdog has seen to it
  kRespawned,  ///< a slot whose worker had failed has one that serves
  kReloaded,
  kReloadFailed,
  kUpgraded,
  kUpgradeFailed,
  kScaled,
  kScaleFailed,
  kReplaced,  ///< a single worker, on request
  kReplaceFailed,
  kLimitReached,  ///< a worker has paused accepting
};
inline constexpr std::size_t kEventKindCount = static_cast<std::size_t>(EventKind::kLimitReached) + 1;

constexpr std::string_view name_of(EventKind kind) {
  switch (kind) {
    case EventKind::kStarted: return "started";
    case EventKind::kStopping: return "stopping";
    case EventKind::kCrashed: return "crashed";
    case EventKind::kHung: return "hung";
    case EventKind::kRespawned: return "respawned";
    case EventKind::kReloaded: return "reloaded";
    case EventKind::kReloadFailed: return "reload_failed";
    case EventKind::kUpgraded: return "upgraded";
    case EventKind::kUpgradeFailed: return "upgrade_failed";
    case EventKind::kScaled: return "scaled";
    case EventKind::kScaleFailed: return "scale_failed";
    case EventKind::kReplaced: return "replaced";
    case EventKind::kReplaceFailed: return "replace_failed";
    case EventKind::kLimitReached: return "limit_reached";
  }
  return "";
}

/// Whether somebody should look why it came to that: the service does not put it right by itself, or it must
/// not happen at all.
constexpr bool needs_a_person(EventKind kind) {
  switch (kind) {
    case EventKind::kStarted:
    case EventKind::kStopping:
    case EventKind::kRespawned:
    case EventKind::kReloaded:
    case EventKind::kUpgraded:
    case EventKind::kScaled:
    case EventKind::kReplaced: return false;
    case EventKind::kCrashed:
    case EventKind::kHung:
    case EventKind::kReloadFailed:
    case EventKind::kUpgradeFailed:
    case EventKind::kScaleFailed:
    case EventKind::kReplaceFailed:
    case EventKind::kLimitReached: return true;
  }
  return true;
}

struct ServiceEvent {
  std::int64_t at = 0;  ///< milliseconds since the epoch
  EventKind kind{};
  std::string text;  ///< one line
  bool operator==(const ServiceEvent&) const = default;
};

/// A ServiceEvent in shared memory.
class SharedEvent {
 public:
  void set(const ServiceEvent& event) noexcept {
    at_.store(event.at);
    kind_.store(event.kind);
    text_.set(event.text);
  }
  ServiceEvent get() const { return {at_.load(), kind_.load(), text_.get()}; }

 private:
  std::atomic<std::int64_t> at_{0};
  std::atomic<EventKind> kind_{};
  SharedText<240> text_;
};

inline constexpr std::size_t kMostEvents = 64;
using EventRing = SharedRing<SharedEvent, ServiceEvent, kMostEvents>;

/// How the service was at one moment. What is counted goes on over reloads, upgrades and crashes.
struct Sample {
  std::int64_t at = 0;  ///< milliseconds of the monotonic clock
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t accepted = 0;
  std::uint64_t active = 0;
  std::uint32_t busiest_permille = 0;  ///< of its last second that the busiest worker was at work
  std::uint32_t busiest_slot = 0;      ///< that worker's, from 1; 0: there is none
  bool operator==(const Sample&) const = default;
};

/// A Sample in shared memory.
class SharedSample {
 public:
  void set(const Sample& sample) noexcept {
    at_.store(sample.at);
    received_bytes_.store(sample.received_bytes);
    sent_bytes_.store(sample.sent_bytes);
    accepted_.store(sample.accepted);
    active_.store(sample.active);
    busiest_permille_.store(sample.busiest_permille);
    busiest_slot_.store(sample.busiest_slot);
  }
  Sample get() const noexcept {
    return {at_.load(),     received_bytes_.load(),   sent_bytes_.load(),  accepted_.load(),
            active_.load(), busiest_permille_.load(), busiest_slot_.load()};
  }

 private:
  std::atomic<std::int64_t> at_{0};
  std::atomic<std::uint64_t> received_bytes_{0};
  std::atomic<std::uint64_t> sent_bytes_{0};
  std::atomic<std::uint64_t> accepted_{0};
  std::atomic<std::uint64_t> active_{0};
  std::atomic<std::uint32_t> busiest_permille_{0};
  std::atomic<std::uint32_t> busiest_slot_{0};
};

/// Five minutes, at one a second.
inline constexpr std::size_t kMostSamples = 301;
using SampleRing = SharedRing<SharedSample, Sample, kMostSamples>;

/// The service as a whole, and all of its parts. Written by the master.
struct alignas(kCounterBlockSize) MasterBlock {
  std::uint32_t magic = 0;
  std::uint32_t version = 0;
  std::atomic<std::uint32_t> moves{0};  ///< odd while figures move from a worker's block to a slot's past
  std::atomic<std::uint32_t> slot_count{0};  ///< for readers, who take kMostSlots for the most
  std::atomic<std::uint32_t> generation{0};
  std::atomic<std::int32_t> pid{0};
  std::atomic<ServiceState> state{ServiceState::kStarting};
  std::atomic<std::int64_t> started_at{0};  ///< in milliseconds of the monotonic clock
  std::atomic<std::int64_t> started_on{0};  ///< the same, in milliseconds since the epoch
  SharedText<32> program_version;
  Counter reloads;
  Counter failed_reloads;
  Gauge listen_overflows;  ///< of the network namespace: handshakes that found an accept queue full
  Gauge listen_drops;      ///< these, and those that a listener dropped for another reason
  std::atomic<std::uint32_t> address_count{0};  ///< kMostAddressesShown at most
  std::atomic<std::uint32_t> blocks_used{0};    ///< the blocks from here on have never had an owner
  SharedText<64> admin_address;                 ///< of the admin process, with its port; empty: there is none
  Counter admin_failures;                       ///< how often it has ended without being told to

  alignas(kCounterBlockSize) std::array<AddressEntry, kMostAddressesShown> addresses;
  alignas(kCounterBlockSize) EventRing events;
  alignas(kCounterBlockSize) std::array<SlotEntry, kMostSlots> slots;
  /// Of workers' blocks: the slot, from 1; 0: the block is free.
  alignas(kCounterBlockSize) std::array<std::atomic<std::uint32_t>, kMostBlocks> owners{};
  alignas(kCounterBlockSize) SampleRing samples;  ///< while there is an admin process, who asks for them
};

}  // namespace tcp_echo
