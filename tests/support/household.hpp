// What a part of a fleet needs, without processes and without a clock.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "fleet/household.hpp"
#include "support/fake_children.hpp"
#include "support/hand_clock.hpp"
#include "support/listen_config.hpp"
#include "support/log_capture.hpp"

namespace tcp_echo::test {

/// Takes note of nothing.
struct NoHolder final : Child::Holder {
  void on_message(Child& /*child*/, const ToMaster& /*message*/) override {}
  void on_exit(Child& /*child*/, const ExitStatus& /*status*/) override {}
};

/// Slots in which a test lets workers serve.
class FakeCrew final : public Crew {
 public:
  FakeCrew(Generation generation, std::size_t slots) : generation_(std::move(generation)), slots_(slots) {}

  void serve(std::size_t slot, Child* worker) { slots_.at(slot).worker = worker; }
  void need_borrower(std::size_t slot, bool needs) { slots_.at(slot).needs_borrower = needs; }
  Generation& generation() { return generation_; }

  const Generation& generation() const override { return generation_; }
  std::size_t slot_count() const override { return slots_.size(); }
  Child* serving(std::size_t slot) const override { return slots_.at(slot).worker; }
  bool needs_borrower(std::size_t slot) const override { return slots_.at(slot).needs_borrower; }

 private:
  struct Place {
    Child* worker = nullptr;
    bool needs_borrower = false;
  };
  Generation generation_;
  std::vector<Place> slots_;
};

inline Generation generation_of(unsigned slots, unsigned number = 1) {
  using namespace std::chrono_literals;
  auto config = config_for({"127.0.0.1:0"});
  config.shutdown_timeout = 10s;
  config.ready_timeout = 10s;
  config.respawn_delay_min = 100ms;
  config.respawn_delay_max = 30s;
  return {number, config, value_or_throw(ListenerSet::open(config, slots))};
}

struct HouseholdTest : ::testing::Test {
  static constexpr unsigned kSlots = 3;

  /// A worker that serves in that slot, and whose messages are ignored.
  FakeProcess& let_serve(unsigned slot) {
    workers[slot] = start(slot);
    workers[slot]->note_ready();
    crew.serve(slot, workers[slot].get());
    return launcher.last();
  }
  std::unique_ptr<Child> start(unsigned slot) {
    return value_or_throw(nursery.start(slot, crew.generation(), false, nobody));
  }
  Child& worker(unsigned slot) { return *workers.at(slot); }

  LogCapture log;
  HandClock clock;
  Scoreboard scoreboard = value_or_throw(Scoreboard::create());
  FakeLauncher launcher;
  NoHolder nobody;
  std::vector<pid_t> gone;
  FakeCrew crew{generation_of(kSlots), kSlots};
  Nursery nursery{clock, scoreboard, launcher, [this](const Child& worker) { gone.push_back(worker.pid()); }};
  Clearings clearings{clock, [](const ClearMessage&, std::span<const int>) -> Child* { return nullptr; },
                      [] {}};
  Census census{clock};
  int settled = 0;
  EventLog events{scoreboard};
  Household household{clock, events, nursery, clearings, census, crew, [this] { ++settled; }};
  std::map<unsigned, std::unique_ptr<Child>> workers;
};

}  // namespace tcp_echo::test
