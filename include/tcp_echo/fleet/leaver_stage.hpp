// How far a worker has come that has lost its place.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tcp_echo {

enum class LeaverStage : std::uint8_t {
  kMoving,    ///< hands its connections over
  kStuck,     ///< no other worker could take all of them so far: it serves them on, and keeps trying
  kDraining,  ///< lets them end, for want of a successor that understands it, or of a service
  kDying,     ///< was told to die, by STOP or SIGABRT; SIGKILL is next
};
inline constexpr std::array kLeaverStages = {LeaverStage::kMoving, LeaverStage::kStuck,
                                             LeaverStage::kDraining, LeaverStage::kDying};

constexpr std::string_view name_of(LeaverStage stage) {
  switch (stage) {
    case LeaverStage::kMoving: return "moving";
    case LeaverStage::kStuck: return "stuck";
    case LeaverStage::kDraining: return "draining";
    case LeaverStage::kDying: return "dying";
  }
  return "";
}

}  // namespace tcp_echo
