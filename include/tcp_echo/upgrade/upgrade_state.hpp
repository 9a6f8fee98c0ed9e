// What a master leaves to the program that takes its place: everything it knows that cannot be found out
// again. Plain values, and their text. Pure.
//
// Descriptors are numbers of the master process, which stays the same, and are not owned here.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/listener_id.hpp"
#include "tcp_echo/fleet/fleet_record.hpp"

namespace tcp_echo {

/// Raised whenever the text changes its meaning. A program that does not know a format says so before
/// anything has happened. A field that was added is no other format: one that knows nothing of it passes over
/// it, and where it is missing the parser says what holds.
inline constexpr unsigned kUpgradeFormat = 1;

/// A worker that wants a successor.
struct RestartRecord {
  unsigned slot = 0;  ///< from 0
  pid_t worker = 0;
  bool operator==(const RestartRecord&) const = default;
};

struct AddressRecord {
  std::string wanted;
  std::string bound;
  std::vector<int> sockets;  ///< by slot; -1 for none
  ListenerId id = 0;         ///< 0 if a former program did not tell
  bool operator==(const AddressRecord&) const = default;
};

struct UpgradeState {
  std::string program;        ///< path of the file, in whatever bytes
  std::string folder;         ///< that relative paths begin in; as above
  std::string configuration;  ///< effective_toml() of the generation that serves
  unsigned generation = 1;
  unsigned workers = 0;
  bool workers_are_set_by_hand = false;
  int scoreboard = -1;
  int log = -1;
  int pid_file = -1;  ///< -1: none
  bool listeners_are_inherited = false;
  std::vector<AddressRecord> addresses;
  ListenerId next_listener_id = 1;
  FleetRecord fleet;
  bool upgrade_is_asked = false;  ///< this and what follows: what was asked for and not begun with
  bool reload_is_asked = false;
  int workers_asked = 0;
  std::vector<RestartRecord> restarts;
  bool operator==(const UpgradeState&) const = default;

  /// Every descriptor in it.
  std::vector<int> descriptors() const;
};

std::string to_text(const UpgradeState& state);

/// Fails with kConfig for another format and for anything that makes no sense; says which.
Result<UpgradeState> parse_upgrade_state(std::string_view text);

}  // namespace tcp_echo
