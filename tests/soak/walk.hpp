// A random walk: a daemon, visitors of every kind, and one change after the other, until the time is over or
// something happens that has no excuse.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "soak/chronicle.hpp"
#include "soak/log_watch.hpp"
#include "soak/plan.hpp"
#include "soak/site.hpp"
#include "soak/visitors.hpp"
#include "support/dice.hpp"

namespace tcp_echo::test {

class Walk {
 public:
  explicit Walk(WalkOptions options);
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;

  /// What had no excuse, with all that helps to find out why; empty if all went well.
  std::string run();
  /// What was done, and how the visitors fared.
  std::string table() const;

 private:
  struct Thaw {
    Moment at;
    Moment frozen_since = Clock::now();
    std::vector<UniqueFd> processes = {};
    bool is_noted = false;
  };

  void walk();
  void wait_until(Moment moment);
  void look();
  void fail(const std::string& what);
  bool has_failed() const { return !failure_.empty(); }
  std::string report() const;

  void perform(const Change& change);
  void reload(Dice dice);
  void break_and_reload(Dice dice);
  void upgrade(const std::string& program, const std::string& name);
  void break_and_upgrade(Dice dice);
  void upgrade_and_go_back();
  void term(Dice dice);
  void kill(Dice dice);
  void stop_for(Dice dice, std::chrono::milliseconds least, std::chrono::milliseconds most);
  void freeze(Dice dice, bool with_workers);
  void rotate_log();
  void suffer(Dice dice);
  void restart(Dice dice, bool in_a_hurry);

  void configure(Dice dice, bool with_other_addresses);
  void start();
  void stop(std::chrono::milliseconds deadline);
  void make_whole();
  void finish();
  bool books_balance();
  void compare_with_clients();

  pid_t choose_worker(Dice& dice);
  void add_victim(pid_t pid, const UniqueFd& pidfd, std::optional<std::chrono::milliseconds> stopped_for);
  void thaw_due(Moment now);
  void thaw_all() { thaw_due(Moment::max()); }
  void note(const std::string& text);

  WalkOptions options_;
  Site site_;
  Chronicle chronicle_;
  LogWatch log_{site_, chronicle_};
  UniqueFd occupied_;  ///< a socket on an address that the daemon cannot have
  std::string occupied_address_;
  std::vector<std::string> served_;  ///< as the last good configuration says
  std::list<Thaw> thaws_;
  Moment faults_end_ = Moment::max();
  std::map<ChangeKind, std::size_t> done_;
  std::size_t kills_ = 0;
  Moment begin_ = Clock::now();
  std::string failure_;
  Visitors visitors_;
};

}  // namespace tcp_echo::test
