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
#include <utility>
#include <vector>

#include "tcp_echo/base/counters.hpp"
#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/tally.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/ipc/scoreboard_layout.hpp"

namespace tcp_echo {

class Scoreboard {
 public:
  /// The master's: new, zeroed, in memory that only descriptors lead to (memfd_create(2)).
  static Result<Scoreboard> create();
  /// A worker's: mapped from the master's descriptor, which may be closed afterwards.
  static Result<Scoreboard> map(const UniqueFd& fd);
  /// For a process that only looks: it cannot write there. As map(), also from open_for_reading().
  static Result<Scoreboard> map_for_reading(const UniqueFd& fd);
  /// A master's after an upgrade, created by the program before it.
  static Result<Scoreboard> restore(UniqueFd fd);

  Scoreboard(Scoreboard&& other) noexcept;
  Scoreboard& operator=(Scoreboard&&) = delete;
  Scoreboard(const Scoreboard&) = delete;
  Scoreboard& operator=(const Scoreboard&) = delete;
  ~Scoreboard();

  /// To send to a worker; -1 in one that was mapped.
  int fd() const noexcept { return fd_.get(); }
  /// The master's: another descriptor, through which nobody can write.
  Result<UniqueFd> open_for_reading() const;

  /// Says again what this memory is, by which a process that maps it knows whether it may use it.
  void stamp() noexcept;

  MasterBlock& master() noexcept { return memory_->master; }
  const MasterBlock& master() const noexcept { return memory_->master; }
  /// `index` is below kMostBlocks.
  WorkerCounters& block(std::size_t index) noexcept { return memory_->blocks.at(index); }
  const WorkerCounters& block(std::size_t index) const noexcept { return memory_->blocks.at(index); }

  /// The master's: nothing has been counted in that block, which has no owner.
  void clear(std::size_t index) noexcept;
  /// The master's: a worker of that slot, from 0, writes that block, or is about to.
  void assign(std::size_t index, std::size_t slot) noexcept;
  /// The master's: that worker is dead. Adds what it counted to its slot's past, booking connections it still
  /// had as closed by a crash, and clears its block.
  void retire(std::size_t index, std::size_t slot) noexcept;

  /// What each slot's workers have counted, former ones too: all of it in one moment, as far as figures move
  /// from blocks to pasts. Any process may ask, and waits for a master that is in the middle of that; for a
  /// tenth of a second at most.
  std::vector<Tally> tallies(std::size_t slots) const;

 private:
  bool is_masters() const noexcept { return static_cast<bool>(fd_); }

  class Move;
  struct Memory {
    MasterBlock master;
    std::array<WorkerCounters, kMostBlocks> blocks;
  };
  Scoreboard(UniqueFd fd, Memory* memory) noexcept : fd_(std::move(fd)), memory_(memory) {}
  static Result<Scoreboard> map(const UniqueFd& fd, int protection);

  UniqueFd fd_;
  Memory* memory_;
};

}  // namespace tcp_echo
