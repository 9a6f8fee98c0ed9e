// Shared memory with what the processes tell about themselves: one block of the master's, one per worker
// process.
//
// The master creates it; workers and the admin process map it from a descriptor that comes over the control
// channel. A block has one writer. Nothing here is ever locked, so no reader can hang on a writer that stopped.
// A worker's block outlives it: what it counted is read after its death, added to its slot's past, and the
// block given to the next worker.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "tcp_echo/base/counters.hpp"
#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/ipc/shared_ring.hpp"
#include "tcp_echo/ipc/shared_text.hpp"

namespace tcp_echo {

/// Raised whenever the layout changes: a process maps only what it understands.
inline constexpr std::uint32_t kScoreboardVersion = 4;

inline constexpr std::size_t kMostSlots = 1024;

/// Two generations of workers share the slots during a reload, and some more may be on their way out.
inline constexpr std::size_t kMostBlocks = 4 * kMostSlots;

inline constexpr std::size_t kMostListenersShown = 64;

enum class WorkerState : std::uint8_t {
  kNone,      ///< was never started, or is gone for good
  kStarting,
  kReady,
  kHung,
  kStopping,
  kWaiting,   ///< to be started again, after a delay
  kRetired,   ///< scaled away
};

constexpr std::string_view name_of(WorkerState state) {
  switch (state) {
    case WorkerState::kNone: return "none";
    case WorkerState::kStarting: return "starting";
    case WorkerState::kReady: return "ready";
    case WorkerState::kHung: return "hung";
    case WorkerState::kStopping: return "stopping";
    case WorkerState::kWaiting: return "waiting";
    case WorkerState::kRetired: return "retired";
  }
  return "";
}
inline constexpr std::array kWorkerStates = {
    WorkerState::kNone,     WorkerState::kStarting, WorkerState::kReady,  WorkerState::kHung,
    WorkerState::kStopping, WorkerState::kWaiting,  WorkerState::kRetired};

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

/// Why a slot got another process.
enum class RestartReason : std::uint8_t {
  kCrash,      ///< the former one died from a signal, or with an error
  kExit,       ///< it left by itself
  kHung,       ///< the watchdog killed it
  kLate,       ///< it was not READY in time
  kNoStart,    ///< it could not even be started
  kRequested,  ///< somebody asked for it, or it had served as many as it should
};
inline constexpr std::array kRestartReasons = {RestartReason::kCrash,   RestartReason::kExit,
                                               RestartReason::kHung,    RestartReason::kLate,
                                               RestartReason::kNoStart, RestartReason::kRequested};

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
  std::atomic<std::uint32_t> served_by{0};   ///< the slot whose worker accepts here, counted from 1; 0: nobody
  std::atomic<std::int64_t> started_at{0};  ///< the process, as MasterBlock::started_at; 0: no process
  std::array<Counter, kRestartReasons.size()> restarts;
  WorkerCounters past;  ///< what this slot's former workers counted

  Counter& restarts_for(RestartReason reason) noexcept { return restarts[static_cast<std::size_t>(reason)]; }
  std::uint64_t all_restarts() const noexcept {
    std::uint64_t sum = 0;
    for (const auto& counter : restarts) sum += counter.get();
    return sum;
  }
};

/// A listen address. Written by the master.
struct ListenerEntry {
  SharedText<64> address;  ///< without the port
  std::atomic<std::uint32_t> port{0};
  std::atomic<std::uint32_t> accept_queue{0};        ///< clients that wait, on all slots' sockets
  std::atomic<std::uint32_t> accept_queue_limit{0};  ///< of all slots' sockets
};

/// Something that an operator wants to know of.
struct ServiceEvent {
  std::int64_t at = 0;  ///< milliseconds since the epoch
  std::string kind;     ///< "crash", "reload", "upgrade", "limit" …
  std::string text;     ///< one line
  bool operator==(const ServiceEvent&) const = default;
};

class SharedEvent {
 public:
  void set(const ServiceEvent& event) noexcept {
    at_.store(event.at);
    kind_.set(event.kind);
    text_.set(event.text);
  }
  ServiceEvent get() const { return {at_.load(), kind_.get(), text_.get()}; }

 private:
  std::atomic<std::int64_t> at_{0};
  SharedText<16> kind_;
  SharedText<224> text_;
};

/// What the counters said at one moment.
struct Sample {
  std::uint64_t at = 0;  ///< milliseconds since the service started
  std::uint64_t accepted = 0;
  std::uint64_t closed = 0;
  std::uint64_t active = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_bytes = 0;
  bool operator==(const Sample&) const = default;
};

class SharedSample {
 public:
  void set(const Sample& sample) noexcept {
    const std::array values = {sample.at,     sample.accepted,       sample.closed,
                               sample.active, sample.received_bytes, sample.sent_bytes};
    for (std::size_t i = 0; i < values.size(); ++i) values_[i].set(values[i]);
  }
  Sample get() const noexcept {
    return {values_[0].get(), values_[1].get(), values_[2].get(),
            values_[3].get(), values_[4].get(), values_[5].get()};
  }

 private:
  std::array<Gauge, 6> values_;
};

inline constexpr std::size_t kMostEvents = 64;
inline constexpr std::size_t kMostSamples = 301;  ///< five minutes, one a second, and both ends

struct alignas(kCacheLine) MasterBlock {
  std::uint32_t magic = 0;
  std::uint32_t version = 0;
  std::atomic<std::uint32_t> moves{0};  ///< odd while figures move from a block to a slot's past
  std::atomic<std::uint32_t> slot_count{0};
  std::atomic<std::uint32_t> generation{0};
  std::atomic<std::int32_t> pid{0};
  std::atomic<ServiceState> state{ServiceState::kStarting};
  std::atomic<std::int64_t> started_at{0};  ///< the service, in milliseconds of the monotonic clock
  std::atomic<std::int64_t> started_on{0};  ///< the same, in milliseconds since the epoch
  SharedText<32> program_version;
  Counter reloads;
  Counter failed_reloads;
  Counter admin_restarts;
  Gauge listen_overflows;  ///< of the whole network namespace: clients that found an accept queue full
  Gauge listen_drops;      ///< the same, and those turned away for any other reason
  std::atomic<std::uint32_t> listener_count{0};
  std::array<ListenerEntry, kMostListenersShown> listeners;
  SharedRing<SharedEvent, ServiceEvent, kMostEvents> events;
  SharedRing<SharedSample, Sample, kMostSamples> samples;
  std::atomic<std::uint32_t> blocks_used{0};                     ///< no block from here on was ever used
  std::array<std::atomic<std::uint32_t>, kMostBlocks> owners{};  ///< of blocks: slots counted from 1; 0: none
  std::array<SlotEntry, kMostSlots> slots;
};

class Scoreboard {
 public:
  /// The master's: new, zeroed, in memory that only descriptors lead to (memfd_create(2)).
  static Result<Scoreboard> create();
  /// A worker's: mapped from the master's descriptor, which may be closed afterwards.
  static Result<Scoreboard> map(const UniqueFd& fd);
  /// The admin process's, from open_to_read(): it may not be written.
  static Result<Scoreboard> map_to_read(const UniqueFd& fd);
  /// A master's that another one has created.
  static Result<Scoreboard> take_over(UniqueFd fd);

  Scoreboard(Scoreboard&& other) noexcept;
  Scoreboard& operator=(Scoreboard&&) = delete;
  Scoreboard(const Scoreboard&) = delete;
  Scoreboard& operator=(const Scoreboard&) = delete;
  ~Scoreboard();

  /// To send to a worker; -1 in one that was mapped.
  int fd() const noexcept { return fd_.get(); }
  /// A descriptor through which it can be read only.
  Result<UniqueFd> open_to_read() const;

  MasterBlock& master() noexcept { return memory_->master; }
  const MasterBlock& master() const noexcept { return memory_->master; }
  /// `index` is below kMostBlocks.
  WorkerCounters& block(std::size_t index) noexcept { return memory_->blocks.at(index); }
  const WorkerCounters& block(std::size_t index) const noexcept { return memory_->blocks.at(index); }

  /// The master's: a worker of that slot, counted from 0, is about to write the block.
  void assign(std::size_t index, unsigned slot) noexcept;
  /// The master's: the worker is dead; see below. The block is free afterwards.
  void retire(std::size_t index, unsigned slot) noexcept;

 private:
  struct Memory {
    MasterBlock master;
    std::array<WorkerCounters, kMostBlocks> blocks;
  };
  Scoreboard(UniqueFd fd, Memory* memory) noexcept : fd_(std::move(fd)), memory_(memory) {}
  static Result<Scoreboard> map(const UniqueFd& fd, int protection);

  UniqueFd fd_;
  Memory* memory_;
};

/// Adds what a dead worker counted to its slot's past, booking connections it still had as closed by a crash,
/// and clears its block.
void retire(WorkerCounters& block, WorkerCounters& past) noexcept;

}  // namespace tcp_echo
