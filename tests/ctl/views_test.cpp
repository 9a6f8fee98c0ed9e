// What tcp-echo-ctl makes of a master's answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>

#include "ctl/events_view.hpp"
#include "ctl/status_view.hpp"
#include "ctl/time_text.hpp"
#include "tcp_echo/status/status_json.hpp"

namespace tcp_echo::test {
namespace {

using testing::HasSubstr;
using testing::Not;

const Style kNoColours(false);
const Style kColours(true);

/// Two workers that serve, and a third that was scaled away.
ServiceStatus healthy_service() {
  ServiceStatus status;
  status.version = "1.2.3";
  status.pid = 42;
  status.uptime = std::chrono::hours(3) + std::chrono::minutes(12);
  status.generation = 4;
  status.state = ServiceState::kServing;
  status.listeners = {{"::1", 8090, 3, 8192, 0.01}, {"127.0.0.1", 7, 0, 8192, 0}};
  status.slots.resize(3);
  for (unsigned i = 0; i < 3; ++i) {
    auto& slot = status.slots[i];
    slot.slot = i + 1;
    slot.pid = 100 + static_cast<int>(i);
    slot.state = WorkerState::kServing;
    slot.served_by = i + 1;
    slot.uptime = std::chrono::seconds(59);
    slot.busy_ratio = 0.5;
    slot.loop_lag = std::chrono::microseconds(1250);
    slot.tally.accepted = std::uint64_t{1000} * (i + 1);
  }
  status.slots[2].state = WorkerState::kRetired;
  status.slots[2].pid = 0;
  status.slots[2].served_by = 1;
  status.totals.accepted = 6000;
  status.totals.received_bytes = 1536;
  status.reloads = 2;
  return status;
}

std::string view_of(const ServiceStatus& status, Style style = kNoColours) {
  return value_or_throw(status_view(status_json(status), style));
}

TEST(StatusView, IsATableForEyes) {
  EXPECT_EQ(
      view_of(healthy_service()),
      "tcp-echo-master 1.2.3 (pid 42): serving, 2 workers, up for 3 h 12 min, generation 4\n"
      "All is well: every worker serves, and all clients are accepted\n"
      "\n"
      "LISTENER     WAITING  ROOM  FULLEST\n"
      "[::1]:8090         3  8192      1 %\n"
      "127.0.0.1:7        0  8192      0 %\n"
      "\n"
      "WORKER  STATE    PID    UP  BUSY     LAG  RESTARTS  OPEN  ACCEPTED  CLOSED  MOVED IN  MOVED OUT  "
      "RECEIVED  SENT\n"
      "1       serving  100  59 s  50 %  1.2 ms         0  1000      1000       0         0          0  "
      "     0 B   0 B\n"
      "2       serving  101  59 s  50 %  1.2 ms         0  2000      2000       0         0          0  "
      "     0 B   0 B\n"
      "3       retired    -     -     -       -         0  3000      3000       0         0          0  "
      "     0 B   0 B\n"
      "all                                              0  6000      6000       0         0          0  "
      " 1.5 KiB   0 B\n"
      "\n"
      "2 reloads, 0 failed\n");
}

TEST(StatusView, SaysFirstWhatIsWrong) {
  auto status = healthy_service();
  status.slots[1].state = WorkerState::kWaiting;
  status.slots[1].served_by = 1;
  EXPECT_THAT(view_of(status),
              HasSubstr("\nAll clients are served, but worker 2 is waiting; worker 1 accepts for it\n"));
  status.slots[1].served_by = 0;
  EXPECT_THAT(view_of(status),
              HasSubstr("\nNot ready: no worker accepts the clients of worker 2, which is waiting\n"));
  status = healthy_service();
  status.listeners[0].fullest = 0.95;
  EXPECT_THAT(view_of(status), HasSubstr("\nAll workers serve, but an accept queue is 95 % full\n"));
  status.state = ServiceState::kStopping;
  EXPECT_THAT(view_of(status), HasSubstr("\nNot ready: the service is stopping\n"));
}

TEST(StatusView, TellsOfHandshakesThatFoundAQueueFull) {
  auto status = healthy_service();
  status.listen_overflows = 7;
  EXPECT_THAT(
      view_of(status),
      HasSubstr("; since this network namespace was made, 7 handshakes found an accept queue full\n"));
}

TEST(StatusView, HasColoursOnlyWhereTheyAreWanted) {
  EXPECT_THAT(view_of(healthy_service()), Not(HasSubstr("\x1b")));
  EXPECT_THAT(view_of(healthy_service(), kColours), HasSubstr("\x1b[32mAll is well"));
}

TEST(StatusView, OfSomethingElseIsRefused) {
  for (const auto* const text : {"", "7", "{}", "[]", R"({"version":7})"})
    EXPECT_FALSE(status_view(text, kNoColours)) << text;
}

TEST(EventsView, HasALineForEach) {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  const auto view = value_or_throw(events_view(
      R"({"events":[{"time":1796056834.879,"event":"started","text":"serving"},{"time":1796056835,"event":"crashed","text":"a\nb"}],"last":9})",
      false, kNoColours));
  EXPECT_EQ(view.text,
            "2026-11-30 16:40:34  started         serving\n"
            "2026-11-30 16:40:35  crashed         a\\nb\n");
  EXPECT_EQ(view.last, 9U);
}

TEST(EventsView, MayBeLinesOfJson) {
  const auto view = value_or_throw(
      events_view(R"({"events":[{"time":1.5,"event":"started","text":"x"}],"last":1})", true, kColours));
  EXPECT_EQ(view.text, "{\"time\":1.5,\"event\":\"started\",\"text\":\"x\"}\n");
}

TEST(EventsView, OfSomethingElseIsRefused) {
  for (const auto* const text : {"", "[]", "{}", R"({"events":[{}],"last":1})"})
    EXPECT_FALSE(events_view(text, false, kNoColours)) << text;
}

TEST(AgeText, HasTheUnitsThatMatter) {
  EXPECT_EQ(age_text(0), "0 s");
  EXPECT_EQ(age_text(59.9), "59 s");
  EXPECT_EQ(age_text(60), "1 min");
  EXPECT_EQ(age_text(3600 * 3 + 60 * 12), "3 h 12 min");
  EXPECT_EQ(age_text(86400 * 2 + 3600 * 4), "2 d 4 h");
  EXPECT_EQ(age_text(-1), "0 s");
}

}  // namespace
}  // namespace tcp_echo::test
