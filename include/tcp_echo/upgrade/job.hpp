// One thing that a master has to do, as a plain value: what it has not begun with is left to the program that
// takes its place.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "tcp_echo/base/ticket.hpp"

namespace tcp_echo {

struct Job {
  enum class Kind : std::uint8_t {
    kUpgrade,
    kReload,
    kScale,    ///< to `workers`, or from as many as there are then; `by` more, or fewer if it is less than 0
    kRestart,  ///< of a slot's worker, as long as it is still that one
  };
  static constexpr std::array kKinds = {Kind::kUpgrade, Kind::kReload, Kind::kScale, Kind::kRestart};

  Kind kind = Kind::kReload;
  std::optional<unsigned> workers = {};
  int by = 0;
  unsigned slot = 0;  ///< from 0
  pid_t worker = 0;
  bool is_tried_until_done = false;  ///< the restart: the worker itself wants to go
  std::vector<Ticket> waiting = {};  ///< for its end
  bool operator==(const Job&) const = default;
};

constexpr std::string_view name_of(Job::Kind kind) {
  switch (kind) {
    case Job::Kind::kUpgrade: return "upgrade";
    case Job::Kind::kReload: return "reload";
    case Job::Kind::kScale: return "scale";
    case Job::Kind::kRestart: return "restart";
  }
  return "";
}

}  // namespace tcp_echo
