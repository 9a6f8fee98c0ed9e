#include "admin/pages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// A service as it should be.
Outlook fine() {
  Outlook outlook;
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
  return answer({path, ""}, outlook);
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

TEST(Page, OfTheRootListsTheOthers) {
  const auto page = get("/");
  EXPECT_EQ(page.status, 200U);
  EXPECT_THAT(page.body, HasSubstr("tcp-echo-master 1.2.3\n"));
  for (const auto* const path : {"/healthz ", "/readyz ", "/status ", "/metrics "})
    EXPECT_THAT(page.body, HasSubstr(path));
}

TEST(Page, ThatIsNotThereIsAnsweredWithThoseThatAre) {
  for (const auto* const path : {"/nope", "", "/healthz/", "//", "/HEALTHZ"}) {
    EXPECT_EQ(get(path).status, 404U) << path;
    EXPECT_THAT(get(path).body, HasSubstr("/healthz ")) << path;
  }
}

}  // namespace
}  // namespace tcp_echo::test
