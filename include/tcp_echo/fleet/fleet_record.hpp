// What a fleet leaves to the program that takes its master's place: its slots, and the processes in them.
// Plain values; descriptors are numbers of the master process, which stays the same, and are not owned here.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "tcp_echo/fleet/leaver_stage.hpp"
#include "tcp_echo/fleet/slot_fsm.hpp"
#include "tcp_echo/process/child_record.hpp"

namespace tcp_echo {

struct SlotRecord {
  SlotState state = SlotState::kEmpty;
  std::optional<ChildRecord> worker;
  bool needs_borrower = false;
  std::optional<std::size_t> borrower;  ///< the slot whose worker accepts for it
  bool operator==(const SlotRecord&) const = default;
};

struct LeaverRecord {
  unsigned slot = 0;  ///< from 0
  LeaverStage stage = LeaverStage::kMoving;
  ChildRecord worker;
  bool operator==(const LeaverRecord&) const = default;
};

struct FleetRecord {
  std::vector<SlotRecord> slots;
  std::vector<LeaverRecord> leavers;
  bool operator==(const FleetRecord&) const = default;
};

}  // namespace tcp_echo
