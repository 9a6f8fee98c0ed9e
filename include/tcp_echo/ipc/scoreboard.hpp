// Shared memory with what the processes tell about themselves: one block of the master's, one per worker
// process.
//
// The master creates it; workers map it from a descriptor that comes over the control channel. A block has
// one writer. Nothing here is ever locked, so no reader can hang on a writer that stopped. A worker's block
// outlives it: what it counted is read after its death, added to its slot's past, and the block given to the
// next worker.
//
// Every process that maps it may write, a worker gone wild too, and wherever it likes. So what is read here
// is shown or counted, whatever it says; a size, an index or a decision is never taken from it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <utility>

#include "tcp_echo/base/counters.hpp"
#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo {

/// Raised whenever the layout changes: a process maps only what it understands.
inline constexpr std::uint32_t kScoreboardVersion = 3;

inline constexpr std::size_t kMostSlots = 1024;

/// Two generations of workers share the slots during a reload, and some more may be on their way out.
inline constexpr std::size_t kMostBlocks = 4 * kMostSlots;

enum class WorkerState : std::uint8_t { kNone, kStarting, kReady, kHung, kStopping };

/// A slot as the master sees it. Written by the master.
struct SlotEntry {
  std::atomic<std::int32_t> pid{0};  ///< 0: no process
  std::atomic<std::uint32_t> block{0};
  std::atomic<std::uint32_t> generation{0};
  std::atomic<WorkerState> state{WorkerState::kNone};
  Counter restarts;
  WorkerCounters past;  ///< what this slot's former workers counted
};

struct alignas(kCacheLine) MasterBlock {
  std::uint32_t magic = 0;
  std::uint32_t version = 0;
  std::atomic<std::uint32_t> slot_count{0};  ///< for readers, which take kMostSlots for the most
  std::atomic<std::uint32_t> generation{0};
  std::atomic<std::int64_t> started_at{0};  ///< the service, in milliseconds of the monotonic clock
  Counter reloads;
  Counter failed_reloads;
  std::array<SlotEntry, kMostSlots> slots;
};

class Scoreboard {
 public:
  /// The master's: new, zeroed, in memory that only descriptors lead to (memfd_create(2)).
  static Result<Scoreboard> create();
  /// A worker's: mapped from the master's descriptor, which may be closed afterwards.
  static Result<Scoreboard> map(const UniqueFd& fd);
  /// A master's after an upgrade, created by the program before it.
  static Result<Scoreboard> restore(UniqueFd fd);

  Scoreboard(Scoreboard&& other) noexcept;
  Scoreboard& operator=(Scoreboard&&) = delete;
  Scoreboard(const Scoreboard&) = delete;
  Scoreboard& operator=(const Scoreboard&) = delete;
  ~Scoreboard();

  /// To send to a worker; -1 in one that was mapped.
  int fd() const noexcept { return fd_.get(); }

  /// Says again what this memory is, by which a process that maps it knows whether it may use it.
  void stamp() noexcept;

  MasterBlock& master() noexcept { return memory_->master; }
  /// `index` is below kMostBlocks.
  WorkerCounters& block(std::size_t index) noexcept { return memory_->blocks.at(index); }

 private:
  struct Memory {
    MasterBlock master;
    std::array<WorkerCounters, kMostBlocks> blocks;
  };
  Scoreboard(UniqueFd fd, Memory* memory) noexcept : fd_(std::move(fd)), memory_(memory) {}

  UniqueFd fd_;
  Memory* memory_;
};

/// Adds what a dead worker counted to its slot's past, booking connections it still had as closed by a crash,
/// and clears its block.
void retire(WorkerCounters& block, WorkerCounters& past) noexcept;

}  // namespace tcp_echo
