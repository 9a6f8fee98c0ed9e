// The fleet's page: what concerns several of its parts, and in which order they settle after an event.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "census.hpp"
#include "changeover.hpp"
#include "clearings.hpp"
#include "departures.hpp"
#include "ending.hpp"
#include "household.hpp"
#include "lending.hpp"
#include "nursery.hpp"
#include "roster.hpp"
#include "slot.hpp"
#include "startup.hpp"
#include "tcp_echo/fleet/fleet.hpp"
#include "tcp_echo/process/watchdog.hpp"

namespace tcp_echo {

class FleetPage final : private Slot::Host, private Changeover::Host {
 public:
  FleetPage(Timekeeper& clock, Scoreboard& scoreboard, Launcher& launcher,
            std::shared_ptr<const Generation> generation, unsigned slots, Fleet::Handlers handlers);

  void start();
  void restore(const FleetRecord& record);
  FleetRecord record() const;
  void move(Movement movement);
  bool is_moving() const;
  void drain();
  void stop();
  void change_log(int descriptor, LogLevel level);
  void list_connections(const ConnectionQuery& query, OnConnectionPage on_page);

  std::shared_ptr<const Generation> generation() const { return roster_.shared_generation(); }
  bool is_up() const noexcept { return startup_.is_up(); }
  bool is_ending() const noexcept { return ending_.has_begun(); }
  std::size_t ready_count() const { return roster_.ready_count(); }
  unsigned slots_with_a_past() const noexcept { return slots_with_a_past_; }
  pid_t worker_of(unsigned slot) const;

 private:
  template <class Steps>
  void as_one_event(Steps steps);
  void settle();
  void hasten_next_start();
  void start_emptying();
  std::optional<std::size_t> server_of(const Slot& slot) const;
  void show_who_serves();
  void report();
  void begin_lists();
  std::vector<Census::Resident> residents() const;
  void grow_to(unsigned slots);
  void end_within(std::chrono::milliseconds time);
  void look_for_hung_workers(std::chrono::milliseconds since_last_look);

  void on_step(const Slot& slot) override;
  void on_served(const Slot& slot) override;
  void on_leaving(const Slot& slot) override { handlers_.on_leaving(slot.index(), slot.worker()->pid()); }
  Candidate take_candidate(const Slot& slot) override { return changeover_.take(slot.index()); }
  void let_leave(const Slot& slot, std::unique_ptr<Child> worker, bool is_dying) override;
  bool may_try_again(const Slot& slot, const Death& death) override;
  void on_spawn_scheduled() override { hasten_next_start(); }
  void on_refused_loan(const Slot& slot, const RefuseLoanMessage& message) override;
  void on_candidates_ready() override;
  void on_candidate_failed(const Error& error) override;

  const Config& config() const { return roster_.generation().config; }
  SlotEntry& entry_of(const Slot& slot) const { return scoreboard_.master().slots[slot.index()]; }

  Scoreboard& scoreboard_;
  Fleet::Handlers handlers_;
  EventLog events_;
  Nursery nursery_;
  Clearings clearings_;
  Census census_;
  Roster roster_;
  Household household_;
  Lending lending_;
  Ending ending_;
  Departures departures_;
  Changeover changeover_;
  Watchdog watchdog_;
  Startup startup_;
  std::vector<std::pair<ConnectionQuery, OnConnectionPage>> waiting_lists_;  ///< for hand-overs to end
  std::optional<Error> start_failure_;  ///< of which the master has not been told yet
  unsigned slots_with_a_past_ = 0;
  bool is_busy_ = false;    ///< with one event
  bool is_wanted_ = false;  ///< a part has asked to settle
  bool was_up_ = false;
  bool is_over_ = false;
};

}  // namespace tcp_echo
