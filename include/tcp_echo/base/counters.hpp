// What a worker counts while it serves. One block per worker process lies in shared memory
// (ipc/scoreboard.hpp) and is written by that process alone; anybody may read it at any time, also after the
// writer was killed.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
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
  kLimit,   ///< a limit of this machine: no memory for what is unsent, or it cannot be polled
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
  kAborted,          ///< the client was gone before it was accepted
  kConnectionLimit,  ///< --worker-connections
  kDescriptors,      ///< the open-files limit, of the process or the system
  kMemory,           ///< the kernel has no memory for the socket
  kOther,
};
inline constexpr std::size_t kAcceptErrorCount = static_cast<std::size_t>(AcceptError::kOther) + 1;

constexpr std::string_view name_of(AcceptError error) {
  switch (error) {
    case AcceptError::kAborted: return "aborted";
    case AcceptError::kConnectionLimit: return "connection_limit";
    case AcceptError::kDescriptors: return "descriptors";
    case AcceptError::kMemory: return "memory";
    case AcceptError::kOther: return "other";
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

/// The latest of something that goes up and down; one writer.
class Gauge {
 public:
  void set(std::uint64_t value) noexcept { value_.store(value, std::memory_order_release); }
  std::uint64_t get() const noexcept { return value_.load(std::memory_order_acquire); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// How often a value had so many binary digits: bucket 0 is for 0, bucket i for values from 2^(i-1) to 2^i - 1,
/// and the last one for all that are larger still.
template <std::size_t Buckets>
struct Log2Histogram {
  std::array<Counter, Buckets> buckets;
  Counter sum;

  void count(std::uint64_t value) noexcept {
    buckets[std::min(static_cast<std::size_t>(std::bit_width(value)), Buckets - 1)].add(1);
    sum.add(value);
  }
};

inline constexpr std::size_t kLifetimeBuckets = 32;  ///< milliseconds: the last but one ends at 12 days
inline constexpr std::size_t kBytesBuckets = 42;     ///< the last but one ends at 1 TiB

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
  std::array<Counter, kAcceptErrorCount> accept_errors;
  Counter busy_nanoseconds;  ///< that its loop was at work
  Counter loop_nanoseconds;  ///< that its loop was watched for that
  Gauge busy_permille;       ///< of the last second
  Gauge lag_microseconds;    ///< by which the loop was late for its last appointment
  Log2Histogram<kLifetimeBuckets> lifetimes;     ///< of closed connections, in milliseconds
  Log2Histogram<kBytesBuckets> connection_bytes;  ///< received over closed connections

  Counter& closed_for(CloseReason reason) noexcept { return closed[static_cast<std::size_t>(reason)]; }
  Counter& errors_for(AcceptError error) noexcept { return accept_errors[static_cast<std::size_t>(error)]; }

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
  std::uint64_t accept_pauses = 0;
  std::uint64_t busy_nanoseconds = 0;
  std::uint64_t loop_nanoseconds = 0;
  std::uint64_t closed = 0;
  std::array<std::uint64_t, kCloseReasonCount> closed_by_reason{};
  std::array<std::uint64_t, kAcceptErrorCount> accept_errors{};
  std::array<std::uint64_t, kLifetimeBuckets> lifetimes{};
  std::array<std::uint64_t, kBytesBuckets> connection_bytes{};
  std::uint64_t lifetime_sum = 0;
  std::uint64_t connection_bytes_sum = 0;

  /// Reads what is gone before what came: nobody ever sees more closed than opened.
  void add(const WorkerCounters& block) noexcept {
    add_each(lifetimes, block.lifetimes.buckets);
    lifetime_sum += block.lifetimes.sum.get();
    add_each(connection_bytes, block.connection_bytes.buckets);
    connection_bytes_sum += block.connection_bytes.sum.get();
    closed += add_each(closed_by_reason, block.closed);
    handed_over_out += block.handed_over_out.get();
    accepted += block.accepted.get();
    handed_over_in += block.handed_over_in.get();
    sent_bytes += block.sent_bytes.get();
    received_bytes += block.received_bytes.get();
    accept_pauses += block.accept_pauses.get();
    add_each(accept_errors, block.accept_errors);
    busy_nanoseconds += block.busy_nanoseconds.get();
    loop_nanoseconds += block.loop_nanoseconds.get();
  }

  /// Those of others to these.
  void add(const Tally& other) noexcept;

  std::uint64_t active() const noexcept { return accepted + handed_over_in - handed_over_out - closed; }

 private:
  /// What was added to all of them together.
  template <std::size_t Size>
  static std::uint64_t add_each(std::array<std::uint64_t, Size>& sums,
                                const std::array<Counter, Size>& counters) noexcept {
    std::uint64_t added = 0;
    for (std::size_t i = 0; i < Size; ++i) {
      const auto value = counters[i].get();
      sums[i] += value;
      added += value;
    }
    return added;
  }
};

inline void Tally::add(const Tally& other) noexcept {
  accepted += other.accepted;
  handed_over_in += other.handed_over_in;
  handed_over_out += other.handed_over_out;
  received_bytes += other.received_bytes;
  sent_bytes += other.sent_bytes;
  accept_pauses += other.accept_pauses;
  busy_nanoseconds += other.busy_nanoseconds;
  loop_nanoseconds += other.loop_nanoseconds;
  closed += other.closed;
  lifetime_sum += other.lifetime_sum;
  connection_bytes_sum += other.connection_bytes_sum;
  const auto add_all = [](auto& into, const auto& from) {
    std::transform(into.begin(), into.end(), from.begin(), into.begin(), std::plus<>());
  };
  add_all(closed_by_reason, other.closed_by_reason);
  add_all(accept_errors, other.accept_errors);
  add_all(lifetimes, other.lifetimes);
  add_all(connection_bytes, other.connection_bytes);
}

inline std::uint64_t WorkerCounters::active() const noexcept {
  Tally tally;
  tally.add(*this);
  return tally.active();
}

}  // namespace tcp_echo
