// What a master leaves to the program that takes its place: everything it knows that cannot be found out
// again. Plain values, and their text. Pure.
//
// Descriptors are numbers of the master process, which stays the same, and are not owned here.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/listener_id.hpp"
#include "tcp_echo/base/ticket.hpp"
#include "tcp_echo/control/record.hpp"
#include "tcp_echo/fleet/fleet_record.hpp"
#include "tcp_echo/process/keeper_record.hpp"
#include "tcp_echo/upgrade/job.hpp"

namespace tcp_echo {

/// Raised whenever the text changes its meaning. A program that does not know a format says so before
/// anything has happened. A field that was added is no other format: one that knows nothing of it passes over
/// it, and where it is missing the parser says what holds.
inline constexpr unsigned kUpgradeFormat = 2;

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
  std::string log_level_set_by_hand = {};  ///< a word of --log-level; empty: none is
  int scoreboard = -1;
  int log = -1;
  int pid_file = -1;  ///< -1: none
  bool listeners_are_inherited = false;
  std::vector<AddressRecord> addresses;
  ListenerId next_listener_id = 1;
  std::vector<AddressRecord> admin_addresses = {};
  FleetRecord fleet;
  KeeperRecord admin = {};
  std::vector<Job> jobs;             ///< that were asked for and not begun with
  std::vector<Ticket> waiting = {};  ///< for the end of this very upgrade
  std::string failure = {};  ///< why the program that should have taken over goes back; empty: it does not
  ControlRecord control = {};
  bool operator==(const UpgradeState&) const = default;

  /// Every descriptor in it.
  std::vector<int> descriptors() const;
};

std::string to_text(const UpgradeState& state);

/// Fails with kConfig for another format and for anything that makes no sense; says which.
Result<UpgradeState> parse_upgrade_state(std::string_view text);

}  // namespace tcp_echo
