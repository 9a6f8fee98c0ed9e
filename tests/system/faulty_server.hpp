// An echo server that makes one mistake, at a known place of the stream, and keeps count: what a load
// generator is tried on. It runs in threads of the test, one for each connection; the destructor ends them
// all.
#pragma once

#include <sys/socket.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo::test {

/// What goes wrong once the byte at Mistake::position has come. Those that concern several bytes wait for all
/// of them, so these should be under way at one time.
enum class Fault : std::uint8_t {
  kNone,
  kCorrupt,    ///< `size` bytes come back with all their bits turned
  kDrop,       ///< `size` bytes do not come back
  kDuplicate,  ///< `size` bytes come back twice, the second time right behind the first
  kInsert,     ///< `size` bytes that nobody sent come before that one
  kSwap,       ///< `size` bytes and as many behind them change places
  kMixUp,  ///< `size` bytes of the first connection come back on the second, in the midst of what is its own
  kStall,  ///< nothing is read or answered for `time`; then it goes on as if nothing had been
  kHang,   ///< nothing is read or answered any more
  kFin,    ///< what is before comes back, then FIN; what the client says from then on is read, and ignored
  kReset,  ///< what is before comes back, then RST
  kKeepOpen,  ///< the client's FIN, wherever it comes, is not answered with one
  kRepeat,    ///< `size` bytes come back, and `time` later once more
  // Of the whole server, once it has received so many bytes in all:
  kPause,  ///< nobody is accepted, and nothing read or answered, for `time`; from the beginning with position
           ///< 0
  kDie,    ///< all connections are reset, and nobody listens any more
};

struct Mistake {
  Fault fault = Fault::kNone;
  std::uint64_t position = 0;  ///< in the stream of a connection
  std::size_t size = 1;
  std::chrono::milliseconds time{0};
  bool first_connection_only = false;
};

class FaultyServer {
 public:
  /// `backlog` is the length of its accept queue.
  explicit FaultyServer(const Mistake& mistake = {}, int backlog = SOMAXCONN);
  ~FaultyServer();
  FaultyServer(const FaultyServer&) = delete;
  FaultyServer& operator=(const FaultyServer&) = delete;

  std::uint16_t port() const { return port_; }

  struct Tally {
    std::uint64_t connections = 0;
    std::uint64_t speakers = 0;  ///< connections on which anything came
    std::uint64_t received = 0;  ///< bytes
    std::uint64_t sent = 0;      ///< bytes
    std::uint64_t mistakes = 0;
    std::uint64_t changed = 0;         ///< bytes that went out with another value: by kCorrupt and kSwap
    std::uint64_t dropped = 0;         ///< bytes
    std::uint64_t added = 0;           ///< bytes
    std::set<std::string> peers = {};  ///< addresses without the port
    std::string beginning = {};        ///< of what the first connection said, a few kilobytes at most
  };
  Tally tally() const;

 private:
  class Conversation;

  void accept_all();
  void on_received(std::uint64_t bytes_in_all);
  void sit_out_pause() const;

  /// Waits for the event, or until it is to end, which is when this is false.
  bool wait_for(int fd, short event) const;
  bool is_stopped_within(std::chrono::milliseconds time) const;

  template <class Change>
  void count(Change change) {
    const std::lock_guard lock(mutex_);
    change(tally_);
  }
  void mix_up(std::string bytes);
  std::optional<std::string> take_mixed_up();

  const Mistake mistake_;
  UniqueFd listener_;
  std::uint16_t port_;
  UniqueFd stop_;
  std::atomic<bool> is_dead_ = false;
  std::atomic<std::chrono::steady_clock::time_point> pause_end_{};
  mutable std::mutex mutex_;
  Tally tally_;
  std::optional<std::string> mixed_up_;
  std::thread acceptor_;
};

}  // namespace tcp_echo::test
