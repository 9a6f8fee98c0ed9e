// What the parts of a fleet have in common. Otherwise none of them knows another one.
#pragma once

#include <cstddef>
#include <functional>

#include "census.hpp"
#include "clearings.hpp"
#include "nursery.hpp"
#include "tcp_echo/ipc/event_log.hpp"
#include "tcp_echo/listeners/generation.hpp"
#include "tcp_echo/loop/timekeeper.hpp"
#include "tcp_echo/process/child.hpp"

namespace tcp_echo {

/// The slots, the workers that serve in them, and on what. Slots are counted from 0.
class Crew {
 public:
  virtual ~Crew() = default;
  /// Of the workers that are started now.
  virtual const Generation& generation() const = 0;
  virtual std::size_t slot_count() const = 0;
  /// The worker that serves in that slot; null if none does.
  virtual Child* serving(std::size_t slot) const = 0;
  /// No worker has accepted for that slot for a while.
  virtual bool needs_borrower(std::size_t slot) const = 0;
};

/// All of it outlives the parts.
struct Household {
  Timekeeper& clock;
  EventLog& events;
  Nursery& nursery;
  Clearings& clearings;
  Census& census;
  const Crew& crew;
  /// The last step of every event that may have changed something for other parts, which now act on it.
  std::function<void()> settle;

  const Config& config() const { return crew.generation().config; }
};

}  // namespace tcp_echo
