// Reads the service's log as it is written, also while it is rotated: tells the chronicle what only the log
// knows, and finds what a log must not say.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "soak/chronicle.hpp"
#include "soak/site.hpp"

namespace tcp_echo::test {

/// What a line of statistics says of a slot.
struct SlotLedger {
  std::size_t active = 0;
  std::size_t accepted = 0;
  std::size_t closed = 0;
  std::size_t handed_over_in = 0;
  std::size_t handed_over_out = 0;
  bool balances() const { return accepted + handed_over_in == active + closed + handed_over_out; }
};

class LogWatch {
 public:
  LogWatch(const Site& site, Chronicle& chronicle) : site_(site), chronicle_(chronicle) {}

  /// What has been written since the last time.
  void look();

  const std::string& complaint() const { return complaint_; }
  /// How often lines with such a text have come.
  std::size_t count(const std::string& text) const;
  /// The last statistics of each slot, since they were forgotten.
  void forget_ledgers() { ledgers_.clear(); }
  const std::map<std::string, SlotLedger>& ledgers() const { return ledgers_; }
  /// Connections that workers had accepted, of all daemons that have ended.
  std::size_t accepted_by_those_that_ended() const { return accepted_; }
  /// Connections that were open in workers as they died.
  std::size_t lost() const { return lost_; }

 private:
  void read(const std::string& file);
  void hear(const std::string& line);
  void hear_of_addresses(const std::string& line);
  void hear_of_a_death(const std::string& line);
  bool is_expected(pid_t pid, const std::string& how, std::size_t lost) const;
  void hear_statistics(const std::string& line);

  const Site& site_;
  Chronicle& chronicle_;
  std::map<ino_t, std::size_t> offsets_;  ///< how much of each file was read; a file keeps its inode
  std::map<std::string, std::size_t> counts_;
  std::map<std::string, SlotLedger> ledgers_;
  std::set<pid_t> condemned_;  ///< the master said that it kills these
  std::size_t accepted_ = 0;
  std::size_t lost_ = 0;
  std::string complaint_;
};

/// What of a log is counted, for the report.
inline constexpr std::array kCountedLines = {"reloaded: generation",
                                             "reload failed",
                                             "takes over",
                                             "upgrade failed",
                                             "scaled to",
                                             "starting a successor",
                                             "died from SIGKILL",
                                             "died from SIGABRT",
                                             "has not turned for",
                                             "are lent to",
                                             "exited with code 0",
                                             "speaks another protocol version",
                                             "closed although clients may still wait",
                                             "no other worker has taken them",
                                             "stopping gracefully",
                                             "was to end and has not",
                                             "is not ready after",
                                             "up for "};

}  // namespace tcp_echo::test
