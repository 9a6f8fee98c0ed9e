// What tcp-echo-ctl makes of a master's answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>

#include "ctl/connections_view.hpp"
#include "ctl/events_view.hpp"
#include "ctl/status_view.hpp"
#include "ctl/time_text.hpp"
#include "tcp_echo/base/text.hpp"
#include "tcp_echo/status/connections_json.hpp"
#include "tcp_echo/status/status_json.hpp"

namespace tcp_echo::test {
namespace {

using testing::EndsWith;
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

TEST(StatusView, TellsOfHttpWhereItIsAnswered) {
  auto status = healthy_service();
  EXPECT_THAT(view_of(status), Not(HasSubstr("HTTP")));
  status.admin_address = "[::1]:8091";
  EXPECT_THAT(view_of(status), EndsWith("2 reloads, 0 failed\nHTTP on [::1]:8091\n"));
  status.admin_failures = 1;
  EXPECT_THAT(view_of(status), EndsWith("HTTP on [::1]:8091; its process has ended by itself once\n"));
  status.admin_failures = 2;
  EXPECT_THAT(view_of(status), EndsWith("; its process has ended by itself 2 times\n"));
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

/// Pages as a master tells them.
struct Connections {
  static ListedConnection one(std::uint16_t port, std::uint64_t age, std::uint64_t idle,
                              std::uint64_t bytes) {
    return {.peer = {"192.0.2.1", port},
            .local = {"127.0.0.1", 8090},
            .listener = 1,
            .age = age,
            .idle = idle,
            .received = bytes,
            .sent = bytes};
  }
  static std::string page(const std::vector<ListedConnection>& connections, std::uint64_t next = 0) {
    return R"({"connections":)" +
           connections_json(2, 4711, connections, {{1, *Endpoint::parse("[::]:8090")}}) + R"(,"next":)" +
           std::to_string(next) + "}";
  }
};

std::string take(ConnectionsView& view, const std::string& page) { return value_or_throw(view.add(page)); }

/// The ports of the peers in the order in which they are shown.
std::vector<unsigned> ports_in(const std::string& lines) {
  std::vector<unsigned> ports;
  for (const auto& line : split(lines, '\n'))
    if (!line.empty()) ports.push_back(nlohmann::json::parse(line)["peer"]["port"].get<unsigned>());
  return ports;
}

TEST(ConnectionsView, IsATableForEyesThatGrowsPageByPage) {
  ConnectionsView view({}, kNoColours);
  auto lagging = Connections::one(50002, 3'600'000, 61'000, 2048);
  lagging.listener = 9;
  lagging.is_lingering = true;
  lagging.sent = 1024;
  lagging.unsent = 1024;
  lagging.unacknowledged = 512;
  EXPECT_EQ(
      take(view, Connections::page({Connections::one(7, 1500, 0, 5), lagging}, 3)),
      "PEER             LISTENER   WORKER  STATE            AGE   IDLE  RECEIVED     SENT   UNSENT  UNACKED\n"
      "192.0.2.1:7      [::]:8090       2  echoing          1 s    0 s       5 B      5 B      0 B      0 B\n"
      "192.0.2.1:50002  -               2  lingering  1 h 0 min  1 min   2.0 KiB  1.0 KiB  1.0 KiB    512 "
      "B\n");
  EXPECT_EQ(view.next(), 3U);
  EXPECT_EQ(take(view, Connections::page({Connections::one(8, 0, 0, 0)})),
            "192.0.2.1:8      [::]:8090       2  echoing          0 s    0 s       0 B      0 B      0 B     "
            " 0 B\n");
  EXPECT_EQ(view.next(), 0U);
  EXPECT_EQ(view.end(), "\n3 connections\n");
}

TEST(ConnectionsView, OfNobodySaysSo) {
  ConnectionsView view({}, kNoColours);
  EXPECT_THAT(take(view, Connections::page({})), testing::StartsWith("PEER  LISTENER  WORKER"));
  EXPECT_EQ(view.end(), "\n0 connections\n");
  ConnectionsView sorted({.order = ConnectionOrder::kAge}, kNoColours);
  EXPECT_EQ(take(sorted, Connections::page({})), "");
  EXPECT_THAT(sorted.end(), testing::StartsWith("PEER  LISTENER  WORKER"));
}

TEST(ConnectionsView, MayBeLinesOfJson) {
  ConnectionsView view({.as_json = true}, kNoColours);
  EXPECT_EQ(take(view, Connections::page({Connections::one(7, 1500, 20, 5)})),
            R"({"peer":{"address":"192.0.2.1","port":7},"local":{"address":"127.0.0.1","port":8090},)"
            R"("listener":{"address":"::","port":8090},"worker":2,"pid":4711,"state":"echoing",)"
            R"("age_seconds":1.5,"idle_seconds":0.02,)"
            R"("bytes":{"received":5,"sent":5,"unsent":0,"unacknowledged":0}})"
            "\n");
  EXPECT_EQ(view.end(), "");
}

TEST(ConnectionsView, SortsWhenItHasSeenAll) {
  const auto sorted_by = [](ConnectionOrder order, std::optional<std::uint64_t> limit = {}) {
    ConnectionsView view({.as_json = true, .order = order, .limit = limit}, kNoColours);
    EXPECT_EQ(
        take(view, Connections::page({Connections::one(1, 10, 9, 2), Connections::one(2, 30, 1, 1)}, 5)), "");
    EXPECT_EQ(take(view, Connections::page({Connections::one(3, 20, 5, 3)})), "");
    return ports_in(view.end());
  };
  EXPECT_EQ(sorted_by(ConnectionOrder::kAge), (std::vector{2U, 3U, 1U}));
  EXPECT_EQ(sorted_by(ConnectionOrder::kIdle), (std::vector{1U, 3U, 2U}));
  EXPECT_EQ(sorted_by(ConnectionOrder::kBytes), (std::vector{3U, 1U, 2U}));
  EXPECT_EQ(sorted_by(ConnectionOrder::kBytes, 2), (std::vector{3U, 1U}));
}

TEST(ConnectionsView, AsksForNoMoreThanTheLimit) {
  ConnectionsView view({.limit = 3}, kNoColours);
  take(view, Connections::page({Connections::one(1, 0, 0, 0), Connections::one(2, 0, 0, 0)}, 5));
  EXPECT_EQ(view.next(), 5U);
  const auto last =
      take(view, Connections::page({Connections::one(3, 0, 0, 0), Connections::one(4, 0, 0, 0)}, 6));
  EXPECT_THAT(last, HasSubstr("192.0.2.1:3 "));
  EXPECT_THAT(last, Not(HasSubstr("192.0.2.1:4 ")));
  EXPECT_EQ(view.next(), 0U);
  EXPECT_EQ(view.end(), "\n3 connections; there are more\n");
}

TEST(ConnectionsView, SaysOfHowManyItShowsTheFirst) {
  ConnectionsView view({.order = ConnectionOrder::kAge, .limit = 1}, kNoColours);
  take(view, Connections::page({Connections::one(1, 5, 0, 0), Connections::one(2, 9, 0, 0)}));
  EXPECT_THAT(view.end(), testing::EndsWith("\n\n1 of 2 connections\n"));
}

TEST(ConnectionsView, OfSomethingElseIsRefused) {
  for (const auto* const answer : {"", "[]", "{}", R"({"connections":[{}],"next":0})"}) {
    ConnectionsView view({}, kNoColours);
    const auto shown = view.add(answer);
    ASSERT_FALSE(shown) << answer;
    EXPECT_EQ(shown.error().code, ExitCode::kSoftware);
  }
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
