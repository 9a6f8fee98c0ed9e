// A master and its workers without a process, a socket or a clock: the pure parts that decide (slot_fsm,
// Loans, Backoff, Agenda), and around them what Fleet does with their decisions, in the simplest way. Timers
// ring when chance says so, processes do what they like, so every order of events may come up.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fleet/loans.hpp"
#include "support/dice.hpp"
#include "tcp_echo/fleet/slot_fsm.hpp"
#include "tcp_echo/master/agenda.hpp"
#include "tcp_echo/process/backoff.hpp"

namespace tcp_echo::test {

class SmallWorld {
 public:
  explicit SmallWorld(Dice dice);

  /// Something happens: a worker dies, a timer rings, an operator wants something.
  void step();
  /// Nobody fails any more, and whatever is under way comes to its end. Everything has to be served then.
  void expect_to_recover();
  /// The service ends, gracefully or at once, while things go on to fail. Every slot has to be gone then.
  void expect_to_end();

  /// The first thing that was not as it has to be; empty if there was none.
  const std::string& complaint() const { return complaint_; }
  /// The last events, for whoever reads the complaint.
  std::string history() const;

 private:
  struct Process {
    explicit Process(pid_t its_pid) : pid(its_pid) {}
    pid_t pid;
    bool is_ready = false;
    bool stands_still = false;
    bool is_condemned = false;  ///< it was sent a signal that it dies of
    bool has_to_end = false;    ///< it was told DRAIN or STOP
    std::chrono::milliseconds ready_at{};
    std::set<std::size_t> borrowed;
  };
  struct Slot {
    SlotState state = SlotState::kEmpty;
    std::optional<Process> worker;
    std::optional<Process> candidate;
    Backoff backoff{std::chrono::milliseconds(100), std::chrono::milliseconds(30'000)};
    std::chrono::milliseconds served_for{};  ///< the last worker, when it ended
    bool needs_borrower = false;
    std::chrono::milliseconds may_borrow_from{};
    // Timers that run.
    bool late = false;
    bool delay = false;
    bool patience = false;
    bool unserved = false;
  };
  struct Movement {
    std::size_t workers = 0;
    std::vector<std::size_t> renewed;
  };
  struct Refusal {
    std::size_t borrower = 0;
    pid_t pid = 0;
    std::size_t lender = 0;
  };

  // What happens from outside.
  void something_happens_to_a_slot();
  void something_happens_to_a_process(std::size_t index);
  void a_timer_rings(std::size_t index);
  void somebody_wants_something();
  void something_happens_to_the_movement();
  void deliver_a_refusal();
  void lose(std::size_t index);
  void become_ready(std::size_t index);
  void watch_over(std::size_t index);

  // What Fleet makes of the decisions.
  void handle(std::size_t index, SlotEvent event);
  void act(std::size_t index, SlotAction action);
  void spawn(std::size_t index);
  void spawn_to_drain(std::size_t index);
  bool try_spawn(Slot& slot);
  void install(Slot& slot);
  void clear_place(std::size_t index);
  void settle_loans();
  bool lend(std::size_t lender, std::size_t borrower);
  bool take_back(std::size_t lender, std::size_t borrower);

  // Movements.
  void begin_next();
  void begin(const Job& job);
  void move(Movement movement);
  void change();
  void fail_movement();
  std::vector<std::size_t> all_slots_of(std::size_t workers) const;

  // The end.
  void drain();
  void stop();
  void go_on_ending(std::size_t index);

  void recover_a_little();
  void recover(std::size_t index);
  bool is_calm() const;
  void expect_everybody_served();
  void check();
  void check(std::size_t index);
  bool is_or_will_be_served(std::size_t index) const;
  bool will_serve(const Slot& slot) const;
  bool can_borrow(std::size_t index) const;
  bool needs_borrower(const Slot& slot) const;
  bool anyone_serves() const;
  bool goes_wrong(std::size_t once_in) { return misfortune_ && dice_.once_in(once_in); }

  void note(const std::string& what, std::size_t index);
  void complain(const std::string& what);

  Dice dice_;
  std::vector<Slot> slots_;
  std::vector<Process> leavers_;
  std::size_t workers_;
  Loans loans_;
  Agenda agenda_;
  std::optional<Movement> movement_;
  std::vector<Refusal> refusals_;
  std::chrono::milliseconds now_{1};
  pid_t last_pid_ = 0;
  bool loan_retry_ = false;  ///< that timer runs
  bool is_changing_ = false;
  bool is_ending_ = false;
  bool is_past_deadline_ = false;
  bool misfortune_ = true;
  std::string complaint_;
  std::deque<std::string> history_;
};

}  // namespace tcp_echo::test
