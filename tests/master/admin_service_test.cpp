// What the admin process is told, and what becomes known of it; without a process.
#include "tcp_echo/master/admin_service.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <memory>

#include "support/fake_children.hpp"
#include "support/hand_clock.hpp"
#include "support/listen_config.hpp"
#include "support/log_capture.hpp"
#include "tcp_echo/config/reader.hpp"
#include "tcp_echo/listeners/admin_listener.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

struct AdminServiceTest : ::testing::Test {
  /// With an admin process at that address; empty: without.
  static std::shared_ptr<const Generation> generation(unsigned number, const std::string& address) {
    auto given = value_or_throw(read_config({}, {}));
    auto config = given.config;
    config.listen = {endpoint("127.0.0.1:0")};
    if (!address.empty()) config.admin_listen = endpoint(address);
    auto listeners = value_or_throw(ListenerSet::open(config, 1));
    auto admin = value_or_throw(admin_listener({}, listeners, config));
    return std::make_shared<const Generation>(
        Generation{number, std::move(config), std::move(listeners), std::move(admin)});
  }

  LogCapture log;
  HandClock clock;
  FakeLauncher launcher;
  Scoreboard scoreboard = value_or_throw(Scoreboard::create());
  int looks = 0;
  int settled = 0;
  bool is_gone = false;
  AdminService service{clock, launcher, scoreboard,
                       AdminService::Handlers{.on_watched = [this] { ++looks; },
                                              .on_settled = [this] { ++settled; },
                                              .on_gone = [this] { is_gone = true; }}};
};

TEST_F(AdminServiceTest, TellsItsProcessTheConfigurationAndTheScoreboard) {
  service.change_log(7, LogLevel::kDebug);
  service.serve(generation(1, "127.0.0.1:0"));
  ASSERT_EQ(launcher.count(), 1U);
  EXPECT_EQ(launcher.last().listeners(), 1U);
  EXPECT_THAT(launcher.last().last<ConfigureMessage>().configuration, HasSubstr("log_level = \"debug\""));
  EXPECT_EQ(launcher.last().last_descriptors(), 1U);
  EXPECT_THAT(log.text(), HasSubstr("HTTP for operators on 127.0.0.1:"));
  EXPECT_THAT(scoreboard.master().admin_address.get(), testing::StartsWith("127.0.0.1:"));
}

TEST_F(AdminServiceTest, HasNoProcessWithoutAnAddress) {
  service.serve(generation(1, ""));
  EXPECT_EQ(launcher.count(), 0U);
  EXPECT_EQ(scoreboard.master().admin_address.get(), "");
  service.end();
  EXPECT_TRUE(is_gone);
}

TEST_F(AdminServiceTest, ReplacesItWithTheGenerationAndNotWhenTheServiceIsScaled) {
  const auto first = generation(1, "127.0.0.1:0");
  service.serve(first);
  launcher.last().become_ready();
  service.serve(std::make_shared<const Generation>(*first));
  EXPECT_EQ(launcher.count(), 1U);
  auto next = *first;
  next.number = 2;
  service.serve(std::make_shared<const Generation>(next));
  EXPECT_EQ(launcher.count(), 2U);
  EXPECT_FALSE(launcher[0].was_told<DrainMessage>()) << "not before the next one is READY";
}

TEST_F(AdminServiceTest, IsAskedToLookNoMoreOftenThanTwiceASecondHoweverFastItBeats) {
  service.serve(generation(1, "127.0.0.1:0"));
  launcher.last().become_ready();
  for (int i = 0; i < 1000; ++i) {
    launcher.last().say(BeatMessage{});
    clock.turn(1ms);
  }
  EXPECT_EQ(looks, 2);
  EXPECT_EQ(launcher.last().count<HeardMessage>(), 1000U);
}

/// When samples were taken, in milliseconds.
std::vector<std::int64_t> moments(const Scoreboard& scoreboard) {
  std::vector<std::int64_t> moments;
  for (const auto& sample : scoreboard.master().samples.read()) moments.push_back(sample.at);
  return moments;
}

TEST_F(AdminServiceTest, RemembersEverySecondHowTheServiceIsWhileThereIsAnAddress) {
  service.serve(generation(1, "127.0.0.1:0"));
  launcher.last().become_ready();
  scoreboard.master().slot_count.store(2);
  scoreboard.master().slots.at(1).past.accepted.add(3);
  scoreboard.master().slots.at(1).past.closed_for(CloseReason::kClient).add(2);
  scoreboard.master().slots.at(1).past.sent_bytes.add(70);
  for (int i = 0; i < 25; ++i) clock.turn(100ms);
  service.serve(generation(2, "127.0.0.1:0"));
  for (int i = 0; i < 10; ++i) clock.turn(100ms);
  const auto at = moments(scoreboard);
  ASSERT_EQ(at.size(), 4U) << "a reload takes none of its own";
  for (std::size_t i = 1; i < at.size(); ++i) EXPECT_EQ(at[i] - at[i - 1], 1000);
  const auto last = scoreboard.master().samples.read().back();
  EXPECT_EQ(last.accepted, 3U);
  EXPECT_EQ(last.active, 1U);
  EXPECT_EQ(last.sent_bytes, 70U);
  service.serve(generation(3, ""));
  for (int i = 0; i < 30; ++i) clock.turn(100ms);
  EXPECT_EQ(moments(scoreboard), at);
}

TEST_F(AdminServiceTest, TakesNoSampleTwiceWhenAnotherProgramTakesOver) {
  const auto first = generation(1, "127.0.0.1:0");
  service.serve(first);
  launcher.last().become_ready();
  clock.turn(10ms);
  ASSERT_EQ(moments(scoreboard).size(), 1U);
  AdminService successor(clock, launcher, scoreboard, {});
  successor.restore(service.record(), first);
  successor.serve(first);
  clock.turn(980ms);
  EXPECT_EQ(moments(scoreboard).size(), 1U);
}

TEST_F(AdminServiceTest, DoesNotWarnOfOneThatIsGoneBeforeItsBeatIsAnswered) {
  service.serve(generation(1, "127.0.0.1:0"));
  launcher.last().become_ready();
  launcher.last().be_deaf(true);
  launcher.last().say(BeatMessage{});
  EXPECT_EQ(log.lines_with("warning"), 0U) << log.text();
}

TEST_F(AdminServiceTest, CountsItsFailures) {
  service.serve(generation(1, "127.0.0.1:0"));
  launcher.last().become_ready();
  launcher.last().die_from(SIGSEGV);
  EXPECT_EQ(scoreboard.master().admin_failures.get(), 1U);
}

TEST_F(AdminServiceTest, KnowsWhetherARemovedAddressIsStillOpen) {
  service.serve(generation(1, "127.0.0.1:0"));
  launcher.last().become_ready();
  service.serve(generation(2, ""));
  EXPECT_TRUE(service.holds_removed_listeners());
  launcher.last().exit_with(0);
  EXPECT_FALSE(service.holds_removed_listeners());
  EXPECT_EQ(settled, 1);
}

TEST_F(AdminServiceTest, TriesAgainSoonHoweverLongWorkersWait) {
  service.serve(generation(1, "127.0.0.1:0"));
  for (int i = 0; i < 10; ++i) {
    const auto before = launcher.count();
    launcher.last().exit_with(1);
    clock.turn(500ms);
    EXPECT_EQ(launcher.count(), before + 1);
  }
}

}  // namespace
}  // namespace tcp_echo::test
