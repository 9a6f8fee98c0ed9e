// A fleet without processes and without a clock, and what it tells its master.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/household.hpp"
#include "tcp_echo/fleet/fleet.hpp"

namespace tcp_echo::test {

struct FleetTest : ::testing::Test {
  Fleet::Handlers handlers() {
    return {.on_all_ready = [this] { ++all_ready; },
            .on_start_failure =
                [this](const Error& error) {
                  start_failure = error.text;
                  log_at_failure = log.text();
                },
            .on_change = [this] { ++changes; },
            .on_leaving =
                [this](unsigned slot, pid_t worker) {
                  leaving = {slot, worker};
                },
            .on_all_gone = [this] { ++all_gone; }};
  }
  void come_up() {
    fleet.start();
    for (std::size_t i = 0; i < kSlots; ++i) launcher[i].become_ready();
  }
  Movement movement(std::shared_ptr<const Generation> to, unsigned workers, std::vector<unsigned> renewed) {
    return {
        .generation = std::move(to),
        .workers = workers,
        .renewed = std::move(renewed),
        .before_change = [this] { return ready_to_change; },
        .on_done = [this](const Result<void>& result) { done.push_back(result ? "" : result.error().text); }};
  }
  std::shared_ptr<const Generation> next_generation(unsigned slots) {
    return std::make_shared<const Generation>(
        Generation{generation->number + 1, generation->config,
                   value_or_throw(generation->listeners.grown_to(generation->config, slots))});
  }
  /// On another address.
  std::shared_ptr<const Generation> moved_generation() {
    auto config = generation->config;
    config.listen = {*Endpoint::parse("127.0.0.2:0")};
    return std::make_shared<const Generation>(
        Generation{2, config, value_or_throw(generation->listeners.changed_to(config, kSlots))});
  }
  /// That clears the removed address, and the other one; after a change to moved_generation().
  std::pair<FakeProcess&, FakeProcess&> move_address() {
    fleet.move(movement(moved_generation(), kSlots, {0, 1}));
    launcher[2].become_ready();
    launcher[3].become_ready();
    if (launcher[2].was_told<ClearMessage>()) return {launcher[2], launcher[3]};
    return {launcher[3], launcher[2]};
  }
  WorkerState shown(unsigned slot) { return scoreboard.master().slots[slot].state.load(); }
  /// The slot whose worker accepts for that one, from 1; 0: none does.
  unsigned served_by(unsigned slot) { return scoreboard.master().slots[slot].served_by.load(); }
  std::uint64_t restarts(unsigned slot, RestartReason reason) {
    return scoreboard.master().slots[slot].restarts_for(reason).get();
  }

  static constexpr unsigned kSlots = 2;
  LogCapture log;
  HandClock clock;
  Scoreboard scoreboard = value_or_throw(Scoreboard::create());
  FakeLauncher launcher;
  std::shared_ptr<const Generation> generation = std::make_shared<const Generation>(generation_of(kSlots));
  int all_ready = 0;
  int all_gone = 0;
  int changes = 0;
  std::string start_failure;
  std::string log_at_failure;
  std::pair<unsigned, pid_t> leaving;
  Result<void> ready_to_change;
  std::vector<std::string> done;
  Fleet fleet{clock, scoreboard, launcher, generation, kSlots, handlers()};
};

}  // namespace tcp_echo::test
