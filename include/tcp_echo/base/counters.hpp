// What a worker counts while it serves. One block per worker process lies in shared memory
// (ipc/scoreboard.hpp) and is written by that process alone; other processes may read it at any time, also
// after the writer was killed.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
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
  kLimit,   ///< this machine had no room for it: no memory for what is unsent, or it could not be polled
  kCrash,   ///< its worker died; only the master books these
};
inline constexpr std::size_t kCloseReasonCount = static_cast<std::size_t>(CloseReason::kCrash) + 1;

constexpr std::string_view name_of(CloseReason reason) {
  switch (reason) {
    case CloseReason::kClient: return "client";
    case CloseReason::kIdle: return "idle";
    case CloseReason::kDrain: return "drain";
    case CloseReason::kReset: return "reset";
    case CloseReason::kLimit: return "limit";
    case CloseReason::kCrash: return "crash";
  }
  return "";
}

/// Why a client could not be accepted, or not yet.
enum class AcceptError : std::uint8_t {
  kAborted,      ///< the client was gone before it was accepted
  kConnections,  ///< --worker-connections
  kDescriptors,  ///< the limit of open files, of the process or of the system
  kMemory,       ///< the kernel had no memory for the socket
  kOther,
};
inline constexpr std::size_t kAcceptErrorCount = static_cast<std::size_t>(AcceptError::kOther) + 1;

constexpr std::string_view name_of(AcceptError error) {
  switch (error) {
    case AcceptError::kAborted: return "aborted";
    case AcceptError::kConnections: return "connections";
    case AcceptError::kDescriptors: return "descriptors";
    case AcceptError::kMemory: return "memory";
    case AcceptError::kOther: return "other";
  }
  return "";
}

/// The same in words, for a sentence.
constexpr std::string_view text_of(AcceptError error) {
  switch (error) {
    case AcceptError::kAborted: return "the client was gone";
    case AcceptError::kConnections: return "--worker-connections is reached";
    case AcceptError::kDescriptors: return "the open-files limit is reached";
    case AcceptError::kMemory: return "the kernel has no memory for more";
    case AcceptError::kOther: return "the kernel refuses for another reason";
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

/// The latest value of something that goes up and down; one writer.
class Gauge {
 public:
  void set(std::uint64_t value) noexcept { value_.store(value, std::memory_order_release); }
  std::uint64_t get() const noexcept { return value_.load(std::memory_order_acquire); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// How often a value had so many binary digits: bucket 0 counts zeroes, bucket i values from 2^(i-1) to
/// 2^i - 1, and the last one all that are larger still.
template <std::size_t Buckets>
struct Log2Histogram {
  std::array<Counter, Buckets> buckets;
  Counter sum;  ///< of the values

  void count(std::uint64_t value) noexcept {
    buckets[std::min(static_cast<std::size_t>(std::bit_width(value)), Buckets - 1)].add(1);
    sum.add(value);
  }
};

inline constexpr std::size_t kLifetimeBuckets = 32;  ///< milliseconds: the last but one ends at 12 days
inline constexpr std::size_t kBytesBuckets = 42;     ///< bytes: the last but one ends at 1 TiB

/// A block has room for counters that are still to come, so that those of today stay where they are.
inline constexpr std::size_t kCounterBlockSize = 1024;

/// How many connections are open is never stored: it is what came in less what went out, so the ledger cannot
/// disagree with itself.
struct alignas(kCounterBlockSize) WorkerCounters {
  // Together in a cache line or two: what changes with each echo and each connection.
  Counter accepted;
  Counter handed_over_in;   ///< connections taken over from another worker
  Counter handed_over_out;  ///< connections that another worker has taken over
  Counter received_bytes;
  Counter sent_bytes;
  Counter accept_pauses;  ///< times that accepting paused: out of descriptors, of memory, or at
                          ///< --worker-connections
  Counter heartbeats;     ///< proof that its loop turns; says nothing else
  std::array<Counter, kCloseReasonCount> closed;
  std::array<Counter, kAcceptErrorCount> accept_errors;

  // Written once a second.
  Counter watched_nanoseconds;  ///< that the figures below are about
  Counter busy_nanoseconds;     ///< of these, at work, or waiting for a processor to be at work
  Gauge busy_permille;          ///< of the last second
  Gauge lag_microseconds;       ///< by which the loop was late when it last had an appointment

  // Of connections that have been closed here, over their whole life, by whichever workers they were served.
  Log2Histogram<kLifetimeBuckets> lifetimes;  ///< in milliseconds
  Log2Histogram<kBytesBuckets> sizes;         ///< bytes received

  Counter& closed_for(CloseReason reason) noexcept { return closed[static_cast<std::size_t>(reason)]; }
  Counter& errors_for(AcceptError error) noexcept { return accept_errors[static_cast<std::size_t>(error)]; }

  std::uint64_t all_closed() const noexcept {
    std::uint64_t sum = 0;
    for (const auto& counter : closed) sum += counter.get();
    return sum;
  }
  /// Connections that are open. What is gone is read before what came: no reader ever sees more closed than
  /// opened.
  std::uint64_t active() const noexcept {
    const auto gone = all_closed() + handed_over_out.get();
    return accepted.get() + handed_over_in.get() - gone;
  }
};
static_assert(sizeof(WorkerCounters) == kCounterBlockSize);

}  // namespace tcp_echo
