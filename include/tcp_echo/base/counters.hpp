// What a worker counts while it serves. One block per worker process lies in shared memory
// (ipc/scoreboard.hpp) and is written by that process alone; other processes may read it at any time, also
// after the writer was killed.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tcp_echo {

/// Two cores never fight over the counters of two workers.
inline constexpr std::size_t kCacheLine = 64;

/// Why a connection ended.
enum class CloseReason : std::uint8_t {
  kClient,  ///< the client closed, and has all of its bytes
  kIdle,    ///< quiet for longer than --idle-timeout
  kDrain,   ///< the worker was told to stop
  kReset,   ///< the connection broke: reset by the peer, timed out, unreachable
  kCrash,   ///< its worker died; only the master books these
};
inline constexpr std::size_t kCloseReasonCount = static_cast<std::size_t>(CloseReason::kCrash) + 1;

constexpr std::string_view name_of(CloseReason reason) {
  switch (reason) {
    case CloseReason::kClient: return "client";
    case CloseReason::kIdle: return "idle";
    case CloseReason::kDrain: return "drain";
    case CloseReason::kReset: return "reset";
    case CloseReason::kCrash: return "crash";
  }
  return "";
}

/// A count with one writer: load, add and store compile to plain instructions, with no lock prefix. The
/// release store lets a reader that sees a connection's close see its accept as well.
class Counter {
 public:
  void add(std::uint64_t amount) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_release);
  }
  std::uint64_t get() const noexcept { return value_.load(std::memory_order_acquire); }

 private:
  std::atomic<std::uint64_t> value_{0};
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "the counters are shared between processes");
};

/// How many connections are open is never stored: it is what came in less what went out, so the ledger cannot
/// disagree with itself.
struct alignas(kCacheLine) WorkerCounters {
  Counter accepted;
  Counter handed_over_in;   ///< connections taken over from another worker
  Counter handed_over_out;  ///< connections that another worker has taken over
  Counter received_bytes;
  Counter sent_bytes;
  Counter accept_pauses;  ///< times that accepting paused: out of descriptors, of memory, or at
                          ///< --worker-connections
  Counter heartbeats;     ///< proof that its loop turns; says nothing else
  std::array<Counter, kCloseReasonCount> closed;

  Counter& closed_for(CloseReason reason) noexcept { return closed[static_cast<std::size_t>(reason)]; }

  std::uint64_t all_closed() const noexcept {
    std::uint64_t sum = 0;
    for (const auto& counter : closed) sum += counter.get();
    return sum;
  }

  std::uint64_t active() const noexcept;
};

/// What several blocks have counted, each of their counters read once: however busy the writers are
/// meanwhile, its figures agree with each other.
struct Tally {
  std::uint64_t accepted = 0;
  std::uint64_t handed_over_in = 0;
  std::uint64_t handed_over_out = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t closed = 0;

  /// Reads what is gone before what came: so there are never more closed than opened.
  void add(const WorkerCounters& block) noexcept {
    closed += block.all_closed();
    handed_over_out += block.handed_over_out.get();
    accepted += block.accepted.get();
    handed_over_in += block.handed_over_in.get();
    sent_bytes += block.sent_bytes.get();
    received_bytes += block.received_bytes.get();
  }

  std::uint64_t active() const noexcept { return accepted + handed_over_in - handed_over_out - closed; }
};

inline std::uint64_t WorkerCounters::active() const noexcept {
  Tally tally;
  tally.add(*this);
  return tally.active();
}

}  // namespace tcp_echo
