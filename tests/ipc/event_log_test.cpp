#include "tcp_echo/ipc/event_log.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <set>
#include <string>
#include <thread>

#include "support/log_capture.hpp"
#include "support/valgrind.hpp"

namespace tcp_echo::test {
namespace {

TEST(EventKinds, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (std::size_t kind = 0; kind < kEventKindCount; ++kind)
    names.insert(name_of(static_cast<EventKind>(kind)));
  EXPECT_EQ(names.size(), kEventKindCount);
  EXPECT_FALSE(names.contains(""));
}

struct EventLogTest : ::testing::Test {
  std::vector<ServiceEvent> events() { return scoreboard.master().events.read(); }

  LogCapture log;
  Scoreboard scoreboard = value_or_throw(Scoreboard::create());
  EventLog event_log{scoreboard};
};

TEST_F(EventLogTest, KeepsWhatHasHappenedWithItsTime) {
  using namespace std::chrono;
  const auto before = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  event_log.note(EventKind::kReloaded, "generation 2 serves");
  event_log.note(EventKind::kCrashed, "worker 1 died");
  ASSERT_EQ(events().size(), 2U);
  EXPECT_EQ(events()[0].kind, EventKind::kReloaded);
  EXPECT_EQ(events()[0].text, "generation 2 serves");
  EXPECT_EQ(events()[1].kind, EventKind::kCrashed);
  EXPECT_GE(events()[0].at, before);
  EXPECT_EQ(log.text(), "");
}

TEST_F(EventLogTest, LogsTheSameLine) {
  event_log.tell(spdlog::level::warn, EventKind::kScaled, "scaled to {3} workers");
  EXPECT_EQ(log.lines_with("warning: scaled to {3} workers"), 1U) << log.text();
  EXPECT_EQ(events().at(0).text, "scaled to {3} workers");
}

TEST_F(EventLogTest, ForgetsTheOldestWhenThereAreTooMany) {
  for (std::size_t i = 1; i <= kMostEvents + 3; ++i) event_log.note(EventKind::kCrashed, std::to_string(i));
  ASSERT_EQ(events().size(), kMostEvents);
  EXPECT_EQ(events().front().text, "4");
  EXPECT_EQ(events().back().text, std::to_string(kMostEvents + 3));
}

TEST_F(EventLogTest, CutsALongLineBetweenCharacters) {
  std::string line = "x";
  for (int i = 0; i < 200; ++i) line += "\u00e9";  // two bytes each
  event_log.note(EventKind::kCrashed, line);
  const auto kept = events().at(0).text;
  EXPECT_EQ(kept.size(), 239U);
  EXPECT_EQ(kept, line.substr(0, kept.size()));
}

TEST_F(EventLogTest, ShowsAReaderNoMixtureOfTwoEvents) {
  const unsigned events_in_all = runs_under_valgrind() ? 500 : 50'000;
  std::thread writer([this, events_in_all] {
    for (unsigned i = 0; i < events_in_all; ++i)
      event_log.note(EventKind::kCrashed, std::string(200, static_cast<char>('a' + i % 26)));
  });
  int mixtures = 0;
  while (scoreboard.master().events.written() < events_in_all) {
    for (const auto& event : events()) mixtures += event.text == std::string(200, event.text.at(0)) ? 0 : 1;
    let_others_run();
  }
  writer.join();
  EXPECT_EQ(mixtures, 0);
}

}  // namespace
}  // namespace tcp_echo::test
