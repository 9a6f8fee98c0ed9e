// Asks one worker after the other which connections it has.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "tcp_echo/fleet/connection_page.hpp"
#include "tcp_echo/loop/timekeeper.hpp"
#include "tcp_echo/process/child.hpp"

namespace tcp_echo {

/// Where a walk over all connections stands. Workers that leave come before those that have a place: what
/// moves from the one to the other meanwhile is met twice, rather than not at all.
struct CensusPlace {
  bool is_placed = false;  ///< else it leaves
  unsigned slot = 0;       ///< from 1
  std::uint32_t block = 0;
  std::uint32_t descriptor = 0;  ///< of the worker's, to begin at
  bool operator==(const CensusPlace&) const = default;
  /// In the order of the walk.
  bool operator<(const CensusPlace& other) const noexcept { return number() < other.number(); }

  /// As clients of the control socket are told it, also by another program (an upgrade). Below 2^53, so that
  /// any reader of JSON keeps it as it is.
  std::uint64_t number() const noexcept;
  static CensusPlace from_number(std::uint64_t number) noexcept;

  /// Where a worker's connections begin.
  static CensusPlace of_placed(const Child& worker) noexcept;
  static CensusPlace of_leaver(const Child& worker) noexcept;
  CensusPlace begin() const noexcept;
  /// Behind the last connection of the worker. A slot has one worker that has a place, whatever its block.
  CensusPlace behind() const noexcept;
};

class Census {
 public:
  /// A worker that may have connections.
  struct Resident {
    CensusPlace place;
    Child* worker = nullptr;
  };

  /// `clock` outlives it.
  explicit Census(Timekeeper& clock);
  ~Census();
  Census(const Census&) = delete;
  Census& operator=(const Census&) = delete;

  /// Asks the first of them that the walk has not met yet.
  void ask(const std::vector<Resident>& residents, const ConnectionQuery& query, OnConnectionPage on_page);
  /// An answer that nobody waits for any more is ignored.
  void on_listed(Child& worker, const ListedMessage& message);
  /// The worker has ended, and so have its connections, or others have them.
  void on_worker_gone(const Child& worker);

 private:
  struct Question;
  struct Line;

  Line& line_of(Child& worker);
  void ask_next(Child& worker, Line& line);
  void on_silence(Child& worker);

  Timekeeper& clock_;
  std::uint64_t last_number_;
  std::map<const Child*, std::unique_ptr<Line>> lines_;
};

}  // namespace tcp_echo
