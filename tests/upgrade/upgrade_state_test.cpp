#include "tcp_echo/upgrade/upgrade_state.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tcp_echo/ipc/scoreboard.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

/// No field as it is by default, and none as another one.
UpgradeState sample() {
  UpgradeState state;
  state.program = "/usr/sbin/tcp-echo-master";
  state.folder = "/var/lib/\"quoted\"";
  state.configuration = "workers = 2\nidle_notice = \"a\\nb\"\n";
  state.generation = 7;
  state.workers = 2;
  state.workers_are_set_by_hand = true;
  state.scoreboard = 10;
  state.log = 11;
  state.pid_file = 12;
  state.listeners_are_inherited = true;
  state.addresses = {{"[::]:0", "[::]:8090", {20, -1, 21}, 3}, {"127.0.0.1:1", "127.0.0.1:1", {22}, 1}};
  state.next_listener_id = 4;
  state.fleet.slots.resize(3);
  state.fleet.slots[0] = {SlotState::kServing, ChildRecord{100, 5, 30, 3, 1000ms, 2000ms, 7, 5000ms}, false,
                          std::nullopt};
  state.fleet.slots[1] = {SlotState::kWaiting, std::nullopt, true, 0};
  state.fleet.slots[2] = {SlotState::kRetired, std::nullopt, true, 0};
  state.fleet.leavers = {{1, LeaverStage::kStuck, ChildRecord{101, 6, 31, 2, 10ms, 20ms, 5, 0ms}},
                         {2, LeaverStage::kDying, ChildRecord{102, 7, -1, 3, 10ms, 0ms, 6, 250ms}}};
  state.admin_addresses = {{"127.0.0.1:0", "127.0.0.1:9090", {50}, 1}};
  state.admin = {ChildRecord{103, 0, 51, 3, 5ms, 6ms, 7, 5000ms},
                 {ChildRecord{104, 0, 52, 3, 5ms, 0ms, 6, 1ms}}};
  state.log_level_set_by_hand = "debug";
  state.jobs = {{.kind = Job::Kind::kScale, .workers = 4, .by = -3, .waiting = {1, 2}},
                {.kind = Job::Kind::kRestart, .slot = 1, .worker = 100, .is_tried_until_done = true}};
  state.waiting = {3};
  state.failure = "it \"cannot\"";
  state.control = {
      "/run/x.sock", 5, 6, 40, 9, {{41, 3, "{\"comm", "", "{}", true}, {42, 4, "\xff", "x", "", false}}};
  return state;
}

std::string complaint_about(const std::string& text) {
  const auto parsed = parse_upgrade_state(text);
  EXPECT_FALSE(parsed) << text;
  if (parsed) return "";
  EXPECT_EQ(parsed.error().code, ExitCode::kConfig);
  return parsed.error().text;
}

/// The sample, with one thing changed.
std::string with(const std::function<void(json&)>& change) {
  auto state = json::parse(to_text(sample()));
  change(state);
  return state.dump();
}

TEST(UpgradeState, ComesBackAsItWas) {
  EXPECT_EQ(value_or_throw(parse_upgrade_state(to_text(sample()))), sample());
}

TEST(UpgradeState, ComesBackInEveryStateOfASlotAndEveryStageOfALeaver) {
  for (const auto slot : kSlotStates) {
    for (const auto stage : kLeaverStages) {
      auto state = sample();
      state.fleet.slots[0].state = slot;
      state.fleet.leavers[0].stage = stage;
      EXPECT_EQ(value_or_throw(parse_upgrade_state(to_text(state))), state)
          << name_of(slot) << name_of(stage);
    }
  }
}

TEST(UpgradeState, MayLackWhatAFormerProgramDidNotTellOfItsWorkers) {
  const auto text = with([](json& state) {
    for (const auto* const field : {"generation", "watchdog"}) state["leavers"][0]["worker"].erase(field);
  });
  const auto state = value_or_throw(parse_upgrade_state(text));
  const auto& worker = state.fleet.leavers[0].worker;
  EXPECT_EQ(worker.generation, std::nullopt);
  EXPECT_EQ(worker.watchdog, std::nullopt);
}

TEST(UpgradeState, MayLackIdsOfListeners) {
  const auto text = with([](json& state) {
    state.erase("next_listener_id");
    state["addresses"][1].erase("id");
  });
  const auto state = value_or_throw(parse_upgrade_state(text));
  EXPECT_EQ(state.next_listener_id, 1U);
  EXPECT_EQ(state.addresses[0].id, 3U);
  EXPECT_EQ(state.addresses[1].id, 0U);
}

TEST(UpgradeState, MayLackAnAdminProcess) {
  const auto state = value_or_throw(parse_upgrade_state(with([](json& each) { each.erase("admin"); })));
  EXPECT_TRUE(state.admin_addresses.empty());
  EXPECT_EQ(state.admin, KeeperRecord{});
}

TEST(UpgradeState, KeepsPathsThatAreNoUtf8) {
  auto state = sample();
  state.program = "/opt/\xff/tcp-echo-master";
  state.folder = "/srv/\xc3";
  EXPECT_EQ(value_or_throw(parse_upgrade_state(to_text(state))), state);
}

TEST(UpgradeState, NamesEveryDescriptorOnce) {
  EXPECT_THAT(sample().descriptors(),
              UnorderedElementsAre(10, 11, 12, 20, 21, 22, 30, 31, 40, 41, 42, 50, 51, 52));
}

TEST(UpgradeState, OfAnotherFormatIsRefusedWithBothNumbers) {
  EXPECT_EQ(complaint_about(with([](json& state) { state["format"] = 99; })),
            "the state to take over has format 99, this program knows " + std::to_string(kUpgradeFormat));
}

TEST(UpgradeState, WithAnotherScoreboardIsRefused) {
  EXPECT_EQ(complaint_about(with([](json& state) { state["scoreboard_version"] = 99; })),
            "the scoreboard has version 99, this program knows " + std::to_string(kScoreboardVersion));
}

TEST(UpgradeState, WithoutAFieldIsRefusedWhicheverItIs) {
  const auto whole = json::parse(to_text(sample()));
  for (const auto& [name, value] : whole.items()) {
    if (name == "next_listener_id" || name == "admin") continue;  // a former program knows none
    const auto text = with([&key = name](json& state) { state.erase(key); });
    EXPECT_THAT(complaint_about(text), HasSubstr(name));
  }
}

TEST(UpgradeState, WithAFieldOfAnotherTypeIsRefusedWhicheverItIs) {
  const auto whole = json::parse(to_text(sample()));
  for (const auto& [name, value] : whole.items())
    complaint_about(with([&key = name](json& state) { state[key] = json{{"un", "expected"}}; }));
}

TEST(UpgradeState, MayHaveFieldsOfALaterProgram) {
  EXPECT_TRUE(parse_upgrade_state(with([](json& state) { state["later"] = 1; })));
}

TEST(UpgradeState, ThatIsNoJsonIsRefused) {
  for (const auto* const text : {"", "{", "[]", "7", "null", "\xff"}) complaint_about(text);
}

TEST(UpgradeState, ThatMakesNoSenseIsRefused) {
  complaint_about(with([](json& state) { state["workers"] = 0; }));
  complaint_about(with([](json& state) { state["workers"] = 4; }));  // there are three slots
  complaint_about(with([](json& state) { state["slots"][1]["borrower"] = 3; }));
  complaint_about(with([](json& state) { state["slots"][0]["worker"]["block"] = kMostBlocks; }));
  complaint_about(with([](json& state) { state["slots"][0]["state"] = "asleep"; }));
  complaint_about(with([](json& state) { state["leavers"][0]["slot"] = 3; }));
  complaint_about(with([](json& state) { state["jobs"][0]["kind"] = "rest"; }));
  complaint_about(with([](json& state) { state["jobs"][1]["slot"] = kMostSlots; }));
  complaint_about(with([](json& state) { state["leavers"][0]["worker"]["block"] = kMostBlocks; }));
}

}  // namespace
}  // namespace tcp_echo::test
