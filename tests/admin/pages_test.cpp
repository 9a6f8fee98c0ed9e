#include "admin/pages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// A service as it should be, of which nothing is remembered.
Outlook fine() {
  static const EventRing events;
  static const SampleRing samples;
  Outlook outlook{.status = {}, .events = events, .samples = samples};
  outlook.status.version = "1.2.3";
  outlook.status.pid = 77;
  outlook.status.state = ServiceState::kServing;
  for (unsigned slot = 1; slot <= 2; ++slot) {
    auto& entry = outlook.status.slots.emplace_back();
    entry.slot = entry.served_by = slot;
    entry.state = WorkerState::kServing;
  }
  return outlook;
}

HttpResponse get(const std::string& path, const Outlook& outlook = fine()) {
  return answer({.path = path, .accept = "", .since = ""}, outlook);
}

TEST(Page, OfHealthAndReadinessIsOkWhileAllIsWell) {
  for (const auto* const path : {"/healthz", "/readyz"}) {
    EXPECT_EQ(get(path).status, 200U) << path;
    EXPECT_EQ(get(path).body, "ok\n") << path;
  }
}

TEST(Page, OfHealthSaysWhetherTheMasterServes) {
  auto outlook = fine();
  for (const auto state : {ServiceState::kStarting, ServiceState::kStopping}) {
    outlook.status.state = state;
    EXPECT_EQ(get("/healthz", outlook).status, 503U);
    EXPECT_EQ(get("/healthz", outlook).body, "the service is " + std::string(name_of(state)) + "\n");
  }
  for (const auto state : {ServiceState::kReloading, ServiceState::kUpgrading}) {
    outlook.status.state = state;
    EXPECT_EQ(get("/healthz", outlook).status, 200U);
  }
}

TEST(Page, OfHealthNoticesAMasterThatDoesNotTurn) {
  auto outlook = fine();
  outlook.silence = kLongestSilence;
  EXPECT_EQ(get("/healthz", outlook).status, 200U);
  outlook.silence = 12'345ms;
  EXPECT_EQ(get("/healthz", outlook).status, 503U);
  EXPECT_EQ(get("/healthz", outlook).body, "the master (pid 77) has not turned for 12s\n");
  EXPECT_EQ(get("/readyz", outlook).status, 200U) << "clients are served all the same";
}

TEST(Page, OfReadinessSaysWhichClientsNobodyServes) {
  auto outlook = fine();
  outlook.status.slots[1].served_by = 0;
  outlook.status.slots[1].state = WorkerState::kWaiting;
  EXPECT_EQ(get("/readyz", outlook).status, 503U);
  EXPECT_EQ(get("/readyz", outlook).body, "no worker accepts the clients of worker 2, which is waiting\n");
  EXPECT_EQ(get("/healthz", outlook).status, 200U) << "the master sees to it";
  outlook.status.slots[1].served_by = 1;
  EXPECT_EQ(get("/readyz", outlook).status, 200U) << "another worker has borrowed its listeners";
}

TEST(Page, OfStatusIsTheOneThatTheControlToolGives) {
  const auto page = get("/status");
  EXPECT_EQ(page.status, 200U);
  EXPECT_EQ(page.type, "application/json");
  EXPECT_EQ(nlohmann::json::parse(page.body).at("version"), "1.2.3");
}

/// As the page asks.
nlohmann::json live(const Outlook& outlook, const std::string& since = "0") {
  const auto response = answer({.path = "/live", .accept = "", .since = since}, outlook);
  EXPECT_EQ(response.type, "application/json");
  return nlohmann::json::parse(response.body);
}

TEST(Page, OfTheRootIsForABrowserThatMayDoNothingElse) {
  const auto page = get("/");
  EXPECT_EQ(page.status, 200U);
  EXPECT_EQ(page.type, "text/html; charset=utf-8");
  EXPECT_TRUE(page.body.starts_with("<!DOCTYPE html>\n"));
  EXPECT_THAT(page.policy, testing::MatchesRegex("default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; "
                                                 "script-src 'sha256-[A-Za-z0-9+/]{43}='; img-src data:; "
                                                 "connect-src 'self'; .*"));
  EXPECT_EQ(get("/status").policy, "");
  const auto id = live(fine()).at("page").get<std::string>();
  EXPECT_NE(page.body.find("data-page=\"" + id + "\""), std::string::npos) << "it does not know its version";
}

TEST(Page, OfTheRootIsSmallAndNeedsNothingFromElsewhere) {
  const auto page = get("/").body;
  EXPECT_LT(page.size(), 60'000U);
  for (const auto* const elsewhere : {"https:", "src=", "@import", "url(", " style=", " onclick="})
    EXPECT_EQ(page.find(elsewhere), std::string::npos) << elsewhere;
}

TEST(Page, OfWhatIsLiveSaysHowTheServiceIsAndWhy) {
  auto outlook = fine();
  outlook.status.slots[0].restarts = {2, 1, 0, 0, 0, 4};
  outlook.status.slots[1].served_by = 0;
  outlook.status.slots[1].state = WorkerState::kWaiting;
  outlook.silence = 11s;
  const auto now = live(outlook);
  EXPECT_EQ(now.at("state"), "serving");
  EXPECT_EQ(now.at("unhealthy_because"), "the master (pid 77) has not turned for 11s");
  EXPECT_EQ(now.at("not_ready_because"), "no worker accepts the clients of worker 2, which is waiting");
  const auto& columns = now.at("workers").at("columns");
  const auto& first = now.at("workers").at("rows").at(0);
  ASSERT_EQ(columns.size(), first.size());
  EXPECT_EQ(columns.at(columns.size() - 2), "restarts");
  EXPECT_EQ(first.at(columns.size() - 2), 7);
  EXPECT_EQ(columns.back(), "failures");
  EXPECT_EQ(first.back(), 3) << "four were asked for";
}

TEST(Page, OfWhatIsLiveTellsASampleOnce) {
  SampleRing samples;
  const EventRing events;
  Outlook outlook{.status = {}, .events = events, .samples = samples};
  for (std::int64_t second = 1; second <= 3; ++second) samples.push({.at = 1000 * second, .accepted = 7});
  const auto all = live(outlook).at("samples");
  EXPECT_EQ(all.at("taken"), 3);
  ASSERT_EQ(all.at("rows").size(), 3U);
  EXPECT_EQ(all.at("rows").at(2).at(0), 3.0);
  EXPECT_EQ(live(outlook, "2").at("samples").at("rows").size(), 1U);
  EXPECT_EQ(live(outlook, "3").at("samples").at("rows").size(), 0U);
  for (const auto* const of_another_service : {"4", "18446744073709551615", "", "nonsense", "-1"})
    EXPECT_EQ(live(outlook, of_another_service).at("samples").at("rows").size(), 3U) << of_another_service;
}

TEST(Page, OfWhatIsLiveKnowsWhichEventsNeedAPerson) {
  const SampleRing samples;
  EventRing events;
  events.push({.at = 1500, .kind = EventKind::kReloaded, .text = "generation 2 serves"});
  events.push({.at = 2500, .kind = EventKind::kCrashed, .text = "worker 1 \xff died"});
  const auto told = live(Outlook{.status = {}, .events = events, .samples = samples}).at("events");
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told.at(0).at("needs_a_person"), false);
  EXPECT_EQ(told.at(1).at("needs_a_person"), true);
  EXPECT_EQ(told.at(1).at("event"), "crashed");
  EXPECT_EQ(told.at(1).at("time"), 2.5);
}

TEST(Page, ThatIsNotThereIsAnsweredWithThoseThatAre) {
  for (const auto* const path : {"/nope", "", "/healthz/", "//", "/HEALTHZ"}) {
    EXPECT_EQ(get(path).status, 404U) << path;
    EXPECT_THAT(get(path).body, HasSubstr("/healthz ")) << path;
  }
}

}  // namespace
}  // namespace tcp_echo::test
