// What a fleet leaves to the program that takes its master's place: its slots, and the processes in them.
// Plain values; descriptors are numbers of the process, which stays the same, and nobody owns them here.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "tcp_echo/fleet/leaver_stage.hpp"
#include "tcp_echo/fleet/slot_fsm.hpp"

namespace tcp_echo {

struct WorkerRecord {
  pid_t pid = 0;
  std::size_t block = 0;
  int control = -1;       ///< -1: it was let go of
  unsigned protocol = 0;  ///< the version that it speaks there
  std::chrono::milliseconds started_at{};
  std::chrono::milliseconds ready_at{};  ///< 0: it was not READY yet
  /// That it was started in, and the watchdog of that one; unknown if a former program did not tell.
  std::optional<unsigned> generation = {};
  std::optional<std::chrono::milliseconds> watchdog = {};
  bool operator==(const WorkerRecord&) const = default;
};

struct SlotRecord {
  SlotState state = SlotState::kEmpty;
  std::optional<WorkerRecord> worker;
  bool needs_borrower = false;
  std::optional<std::size_t> borrower;  ///< the slot whose worker accepts for it
  bool operator==(const SlotRecord&) const = default;
};

struct LeaverRecord {
  unsigned slot = 0;  ///< from 0
  LeaverStage stage = LeaverStage::kMoving;
  WorkerRecord worker;
  bool operator==(const LeaverRecord&) const = default;
};

struct FleetRecord {
  std::vector<SlotRecord> slots;
  std::vector<LeaverRecord> leavers;
  bool operator==(const FleetRecord&) const = default;
};

}  // namespace tcp_echo
