// A worker that has lost its place, and finishes beside the one that has it now.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "household.hpp"
#include "tcp_echo/fleet/fleet_record.hpp"
#include "tcp_echo/loop/timer.hpp"
#include "tcp_echo/process/child.hpp"

namespace tcp_echo {

class Leaver final : private Child::Holder {
 public:
  /// `slot` is the one whose place it had, from 0. `on_left` is called when it has ended; the leaver may be
  /// destroyed in it.
  Leaver(const Household& household, unsigned slot, std::unique_ptr<Child> worker,
         std::function<void()> on_left);
  /// As the program before this one (an upgrade) has left it.
  Leaver(const Household& household, const LeaverRecord& record, std::function<void()> on_left);
  LeaverRecord record() const { return {slot_, stage_, worker_->record()}; }

  /// Finds a successor for the leaver's connections, and others after that one until all are taken over.
  void hand_over();
  bool has_begun() const noexcept { return successor_.has_value(); }
  /// It lets its connections end, for want of a successor; unless it drains or dies already.
  void drain();
  /// It closes everything and ends, or is killed.
  void stop();
  /// It was sent SIGABRT.
  void expect_death();
  /// `since_last_look`: see HeartbeatWatch.
  void abort_if_hung(std::chrono::milliseconds since_last_look);
  void change_log(int descriptor, const LogMessage& how) { worker_->change_log(descriptor, how); }

  unsigned slot() const noexcept { return slot_; }
  Child& worker() const noexcept { return *worker_; }
  LeaverStage stage() const noexcept { return stage_; }

 private:
  void on_message(Child& child, const ToMaster& message) override;
  void on_exit(Child& child, const ExitStatus& status) override;
  void on_stranded();
  std::optional<std::size_t> next_successor() const;
  bool wants_successor() const noexcept;
  void begin_to_drain();
  void try_again();
  void let_stay();
  void on_overdue();

  const Household& household_;
  unsigned slot_;
  std::function<void()> on_left_;
  LeaverStage stage_ = LeaverStage::kMoving;
  std::optional<std::size_t> successor_;  ///< the slot whose worker was tried last
  Timer overdue_;
  Timer retry_;
  std::unique_ptr<Child> worker_;
};

}  // namespace tcp_echo
