#include "tcp_echo/status/service_status.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "tcp_echo/status/statistics.hpp"
#include "tcp_echo/status/status_json.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

/// Two workers: one serves for both slots, the other one waits to be started again.
struct ServiceStatusTest : ::testing::Test {
  static constexpr auto kNow = 100'000ms;

  ServiceStatusTest() {
    auto& master = board.master();
    master.program_version.set("1.2.3");
    master.pid.store(70);
    master.started_at.store(40'000);
    master.generation.store(3);
    master.state.store(ServiceState::kServing);
    master.slot_count.store(2);
    master.reloads.add(2);
    master.failed_reloads.add(1);
    master.listen_overflows.set(5);
    master.listen_drops.set(6);
    master.address_count.store(1);
    master.addresses[0].address.set("::");
    master.addresses[0].port.store(8090);
    master.addresses[0].waiting.store(7);
    master.addresses[0].room.store(8192);
    master.addresses[0].fullest.store(250);

    auto& serving = master.slots[0];
    serving.pid.store(71);
    serving.block.store(4);
    serving.generation.store(3);
    serving.state.store(WorkerState::kServing);
    serving.started_at.store(90'000);
    serving.served_by.store(1);
    board.assign(4, 0);
    auto& counters = board.block(4);
    counters.accepted.add(10);
    counters.closed_for(CloseReason::kClient).add(4);
    counters.received_bytes.add(1000);
    counters.sent_bytes.add(900);
    counters.busy_permille.set(125);
    counters.lag_microseconds.set(250);
    counters.sizes.count(64);

    auto& waiting = master.slots[1];
    waiting.state.store(WorkerState::kWaiting);
    waiting.block.store(4);  // it had once
    waiting.served_by.store(1);
    waiting.restarts_for(RestartReason::kCrash).add(2);
    waiting.restarts_for(RestartReason::kHung).add(1);
    waiting.past.accepted.add(100);
    waiting.past.closed_for(CloseReason::kCrash).add(100);
  }
  ServiceStatus status() const { return read_status(board, kNow); }

  Scoreboard board = value_or_throw(Scoreboard::create());
};

TEST_F(ServiceStatusTest, IsThatOfTheService) {
  const auto now = status();
  EXPECT_EQ(now.version, "1.2.3");
  EXPECT_EQ(now.pid, 70);
  EXPECT_EQ(now.uptime, 60s);
  EXPECT_EQ(now.generation, 3U);
  EXPECT_EQ(now.state, ServiceState::kServing);
  EXPECT_EQ(now.listeners, (std::vector<ListenerStatus>{{"::", 8090, 7, 8192, 0.25}}));
  EXPECT_EQ(now.worker_restarts(), 3U);
  EXPECT_EQ(now.totals.accepted, 110U);
  EXPECT_EQ(now.totals.active(), 6U);
}

TEST_F(ServiceStatusTest, IsThatOfEachSlot) {
  const auto now = status();
  ASSERT_EQ(now.slots.size(), 2U);
  EXPECT_EQ(now.slots[0].slot, 1U);
  EXPECT_EQ(now.slots[0].uptime, 10s);
  EXPECT_EQ(now.slots[0].busy_ratio, 0.125);
  EXPECT_EQ(now.slots[0].loop_lag, 250us);
  EXPECT_EQ(now.slots[0].tally.active(), 6U);
  EXPECT_EQ(now.slots[1].pid, 0);
  EXPECT_EQ(now.slots[1].uptime, 0s);
  EXPECT_EQ(now.slots[1].busy_ratio, 0) << "the block has another owner";
  EXPECT_EQ(now.slots[1].all_restarts(), 3U);
  EXPECT_EQ(now.slots[1].tally.all_closed(), 100U);
}

TEST_F(ServiceStatusTest, IsReadyWhileEveryAcceptQueueHasAWorker) {
  EXPECT_EQ(status().why_not_ready(), std::nullopt);
  board.master().state.store(ServiceState::kReloading);
  EXPECT_EQ(status().why_not_ready(), std::nullopt);
  board.master().slots[1].served_by.store(0);
  EXPECT_EQ(status().why_not_ready(), "no worker accepts the clients of worker 2, which is waiting");
  EXPECT_TRUE(status().is_healthy());
}

TEST_F(ServiceStatusTest, IsNotReadyBeforeTheStartAndFromTheStopOn) {
  board.master().state.store(ServiceState::kStarting);
  EXPECT_EQ(status().why_not_ready(), "the service is starting");
  board.master().state.store(ServiceState::kStopping);
  EXPECT_EQ(status().why_not_ready(), "the service is stopping");
  EXPECT_FALSE(status().is_healthy());
}

TEST_F(ServiceStatusTest, DoesNotBelieveSharedMemoryEverything) {
  auto& master = board.master();
  master.slot_count.store(4'000'000);
  master.address_count.store(4'000'000);
  master.slots[0].block.store(4'000'000);
  master.started_at.store(200'000);
  const auto now = status();
  EXPECT_EQ(now.slots.size(), kMostSlots);
  EXPECT_EQ(now.listeners.size(), kMostAddressesShown);
  EXPECT_EQ(now.uptime, 0s);
}

TEST_F(ServiceStatusTest, HasTheNamesThatScriptsRelyOn) {
  const auto json = nlohmann::json::parse(status_json(status()));
  EXPECT_EQ(json["version"], "1.2.3");
  EXPECT_EQ(json["pid"], 70);
  EXPECT_EQ(json["uptime_seconds"], 60.0);
  EXPECT_EQ(json["generation"], 3);
  EXPECT_EQ(json["state"], "serving");
  EXPECT_EQ(json["ready"], true);
  EXPECT_TRUE(json["not_ready_because"].is_null());
  const auto& listener = json["listeners"][0];
  EXPECT_EQ(listener["address"], "::");
  EXPECT_EQ(listener["port"], 8090);
  EXPECT_EQ(listener["accept_queue"], 7);
  const auto& worker = json["workers"][0];
  EXPECT_EQ(worker["slot"], 1);
  EXPECT_EQ(worker["pid"], 71);
  EXPECT_EQ(worker["generation"], 3);
  EXPECT_EQ(worker["state"], "serving");
  EXPECT_EQ(worker["uptime_seconds"], 10.0);
  EXPECT_EQ(worker["restarts"], 0);
  EXPECT_EQ(worker["busy_ratio"], 0.125);
  EXPECT_EQ(worker["connections"]["active"], 6);
  EXPECT_EQ(worker["connections"]["accepted"], 10);
  EXPECT_EQ(worker["connections"]["closed"], 4);
  EXPECT_EQ(worker["connections"]["handed_over_in"], 0);
  EXPECT_EQ(worker["connections"]["handed_over_out"], 0);
  EXPECT_EQ(worker["bytes"]["received"], 1000);
  EXPECT_EQ(worker["bytes"]["sent"], 900);
  const auto& totals = json["totals"];
  EXPECT_EQ(totals["connections"]["accepted"], 110);
  EXPECT_EQ(totals["connections"]["closed_by_reason"]["crash"], 100);
  EXPECT_EQ(totals["worker_restarts"], 3);
  EXPECT_EQ(totals["reloads"], 2);
  EXPECT_EQ(totals["failed_reloads"], 1);
  EXPECT_EQ(totals["connection_bytes"]["log2_counts"].size(), 8U) << "64 is the first with seven digits";
  EXPECT_EQ(totals["connection_bytes"]["sum"], 64);
  EXPECT_EQ(totals["connection_milliseconds"]["log2_counts"].size(), 0U);
  EXPECT_EQ(json["kernel"]["listen_overflows"], 5);
}

TEST_F(ServiceStatusTest, IsOneLineOfJsonWhateverIsInIt) {
  board.master().program_version.set("a\nb\xff\"");
  const auto text = status_json(status());
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(text)["version"], "a\nb\ufffd\"");
}

TEST_F(ServiceStatusTest, TellsEventsWithTheirTimeInSeconds) {
  EXPECT_EQ(events_json({{1500, EventKind::kCrashed, "worker 1 died"}}),
            R"([{"time":1.5,"event":"crashed","text":"worker 1 died"}])");
}

TEST_F(ServiceStatusTest, IsALineForEachSlotAndOneForTheService) {
  const auto now = status();
  EXPECT_EQ(
      statistics_of(now.slots[0]),
      "worker 1 is serving: 6 connections open, 10 accepted, 4 closed, 0 handed over to it, 0 by it, 1000 B "
      "received, 900 B sent, 0 restarts");
  EXPECT_EQ(statistics_of(now), "up for 60 s, generation 3, 2 reloads, 1 failed");
}

}  // namespace
}  // namespace tcp_echo::test
