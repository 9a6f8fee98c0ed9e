#include "tcp_echo/load/load_run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <csignal>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/child.hpp"
#include "support/dice.hpp"
#include "support/sockets.hpp"
#include "support/wait.hpp"
#include "tcp_echo/base/signal_name.hpp"
#include "tcp_echo/loop/signal.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

enum class Manners { kEchoes, kSaysNothing };

/// A server in a thread of its own, as simple as can be.
class ServerThread {
 public:
  explicit ServerThread(Manners manners = Manners::kEchoes)
      : manners_(manners),
        listener_(value_or_throw(open_listener(any_loopback_port(), {.backlog = 64}))),
        thread_([this] { serve(); }) {}
  ~ServerThread() {
    end_.writing.reset();
    thread_.join();
  }
  ServerThread(const ServerThread&) = delete;
  ServerThread& operator=(const ServerThread&) = delete;

  Endpoint address() const { return bound(listener_); }

 private:
  void serve() {
    std::vector<UniqueFd> connections;
    for (;;) {
      std::vector<pollfd> awaited = {{end_.reading.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
      for (const auto& connection : connections) awaited.push_back({connection.get(), POLLIN, 0});
      ::poll(awaited.data(), awaited.size(), -1);
      if (awaited[0].revents != 0) return;
      for (std::size_t i = connections.size(); i-- > 0;) {
        if (awaited[i + 2].revents != 0 && !serve_once(connections[i].get()))
          connections.erase(connections.begin() + static_cast<std::ptrdiff_t>(i));
      }
      if (awaited[1].revents == 0) continue;
      UniqueFd accepted(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (accepted) connections.push_back(std::move(accepted));
    }
  }

  /// False at the end of the connection.
  bool serve_once(int fd) {
    const auto got = ::recv(fd, buffer_.data(), buffer_.size(), 0);
    if (got <= 0 || manners_ == Manners::kSaysNothing) return got > 0;
    for (ssize_t sent = 0; sent < got;) {
      const auto more = ::send(fd, &buffer_.at(static_cast<std::size_t>(sent)),
                               static_cast<std::size_t>(got - sent), MSG_NOSIGNAL);
      if (more < 0) return false;
      sent += more;
    }
    return true;
  }

  Manners manners_;
  PipeEnds end_;
  UniqueFd listener_;
  std::array<char, 65'536> buffer_{};
  std::thread thread_;  // last: it uses all the others
};

LoadCommand short_load() {
  LoadCommand command;
  command.plan.target = "somewhere:7";
  command.plan.connections = 4;
  command.plan.threads = 2;
  command.plan.duration = 200ms;
  command.plan.interval = 50ms;
  return command;
}

struct Course {
  std::uint64_t echoes_of_timeline() const {
    std::uint64_t echoes = 0;
    for (const auto& point : summary.timeline) echoes += point.echoes;
    return echoes;
  }

  std::uint64_t echoes_while(LoadStage stage) const {
    std::uint64_t echoes = 0;
    for (const auto& interval : intervals) echoes += interval.stage == stage ? interval.counts.echoes : 0;
    return echoes;
  }

  LoadSummary summary;
  std::vector<LoadInterval> intervals;
};

/// A run to its end; `on_interval` hears of all intervals there were so far.
template <class OnInterval>
Course course_of(const LoadCommand& command, const Endpoint& target, OnInterval on_interval) {
  Course course;
  LoadRun run(command, target, [&](const LoadInterval& interval) {
    course.intervals.push_back(interval);
    on_interval(course.intervals);
  });
  course.summary = run.run();
  return course;
}
Course course_of(const LoadCommand& command, const Endpoint& target) {
  return course_of(command, target, [](const auto& /*intervals*/) {});
}

TEST(LoadRun, CountsWhatCameBackToAllThreads) {
  const ServerThread server;
  auto command = short_load();
  command.plan.duration = 0ms;
  std::uint64_t echoes = 0;
  bool is_enough = false;
  const auto summary = course_of(command, server.address(), [&](const auto& intervals) {
                         echoes += intervals.back().counts.echoes;
                         if (is_enough || echoes <= 100 || intervals.back().open < 4) return;
                         is_enough = true;
                         std::raise(SIGTERM);
                       }).summary;
  EXPECT_TRUE(summary.is_good());
  EXPECT_FALSE(summary.counts.any_failure());
  EXPECT_EQ(summary.counts.connected, 4U);
  EXPECT_GT(summary.counts.echoes, 100U);
  EXPECT_GE(summary.latency.count(), summary.counts.echoes);  // the last ones come in the wait
  EXPECT_GE(summary.counts.sent_bytes, summary.counts.echoes * command.plan.message_size);
  EXPECT_GE(summary.counts.received_bytes, summary.counts.echoes * command.plan.message_size);
}

TEST(LoadRun, EndsByItselfWhenItsTimeIsOver) {
  const ServerThread server;
  const auto summary = course_of(short_load(), server.address()).summary;
  EXPECT_TRUE(summary.is_good());
  EXPECT_GE(summary.seconds, 0.2);
  EXPECT_FALSE(summary.interrupted);
}

TEST(LoadRun, TellsWhatItWasAskedFor) {
  const ServerThread server;
  auto command = short_load();
  command.plan.duration = 1ms;
  command.options = {{"--threads", "2"}, {"--duration", "1ms"}};
  const auto summary = course_of(command, server.address()).summary;
  EXPECT_EQ(summary.target, "somewhere:7");
  EXPECT_EQ(summary.address, server.address().text());
  EXPECT_EQ(summary.options, command.options);
  EXPECT_EQ(summary.threads, 2U);
  EXPECT_THAT(summary.started, testing::MatchesRegex("....-..-..T..:..:..Z"));
}

TEST(LoadRun, SharesConnectionsOutAlsoAmongMoreThreads) {
  const ServerThread server;
  auto command = short_load();
  command.plan.connections = 1;
  command.plan.threads = 3;
  command.plan.duration = 20ms;
  const auto summary = course_of(command, server.address()).summary;
  EXPECT_TRUE(summary.is_good());
  EXPECT_EQ(summary.counts.connected, 1U);
}

TEST(LoadRun, HasATimelineThatAddsUp) {
  const ServerThread server;
  const auto course = course_of(short_load(), server.address());
  EXPECT_EQ(course.echoes_of_timeline(), course.summary.counts.echoes);
  EXPECT_EQ(course.summary.timeline.size(), 4U);
  EXPECT_EQ(course.echoes_while(LoadStage::kMeasuring), course.summary.counts.echoes);
}

TEST(LoadRun, PassesIntervalsOnInOrderAndTheWaitLast) {
  const ServerThread server;
  const auto intervals = course_of(short_load(), server.address()).intervals;
  ASSERT_EQ(intervals.size(), 5U);
  EXPECT_EQ(intervals.front().begin, 0);
  for (std::size_t i = 0; i + 1 < intervals.size(); ++i) {
    EXPECT_EQ(intervals[i].stage, LoadStage::kMeasuring);
    EXPECT_LT(intervals[i].begin, intervals[i + 1].begin);
    EXPECT_LE(intervals[i + 1].begin, intervals[i].end) << "no time is left out";
  }
  EXPECT_EQ(intervals.back().stage, LoadStage::kWaiting);
  EXPECT_EQ(intervals.back().open, 0U);
}

TEST(LoadRun, DoesNotMeasureTheWarmUp) {
  const ServerThread server;
  auto command = short_load();
  command.plan.warmup = 100ms;
  command.plan.duration = 100ms;
  const auto [summary, intervals] = course_of(command, server.address());
  ASSERT_EQ(intervals.size(), 5U) << "where the two meet there is no interval without any time";
  for (const std::size_t i : {0U, 1U}) EXPECT_EQ(intervals[i].stage, LoadStage::kWarmup) << i;
  for (const std::size_t i : {2U, 3U}) EXPECT_EQ(intervals[i].stage, LoadStage::kMeasuring) << i;
  ASSERT_EQ(summary.timeline.size(), 2U);
  EXPECT_EQ(summary.timeline.front().begin, intervals[2].begin);
  EXPECT_GE(summary.timeline.front().begin, 0.1);
  EXPECT_EQ(summary.counts.echoes, intervals[2].counts.echoes + intervals[3].counts.echoes);
  EXPECT_EQ(summary.counts.connected, 4U) << "what connected in the warm-up is not forgotten";
}

class LoadRunSignal : public testing::TestWithParam<int> {};

TEST_P(LoadRunSignal, EndsARunWithoutEnd) {
  const ServerThread server;
  auto command = short_load();
  command.plan.duration = 0ms;
  command.plan.interval = 20ms;
  const auto course = course_of(command, server.address(), [](const auto& intervals) {
    if (intervals.size() == 2) std::raise(GetParam());
  });
  EXPECT_TRUE(course.summary.interrupted);
  EXPECT_TRUE(course.summary.is_good());
  EXPECT_GE(course.summary.seconds, 0.04);
  EXPECT_EQ(course.intervals.back().stage, LoadStage::kWaiting);
  EXPECT_EQ(course.echoes_of_timeline(), course.summary.counts.echoes);
}

INSTANTIATE_TEST_SUITE_P(Each, LoadRunSignal, testing::Values(SIGINT, SIGTERM),
                         [](const auto& each) { return signal_name(each.param); });

/// A signal reaches one thread just before an interval ends, and another just after it: so it comes at
/// another time of a short interval in each of these runs.
TEST(LoadRun, CallsMeasuredExactlyWhatTheReportCountsWhereverASignalFalls) {
  const auto rounds = static_cast<int>(walks(10));
  const ServerThread server;
  auto command = short_load();
  command.plan.connections = command.plan.threads = 8;
  command.plan.interval = 2ms;
  command.plan.duration = 0ms;
  for (int round = 0; round < rounds; ++round) {
    command.plan.warmup = round % 2 == 0 ? 0ms : 6ms;
    bool is_told = false;
    const auto course = course_of(command, server.address(), [&](const auto& intervals) {
      if (is_told || intervals.back().end < 0.01) return;
      is_told = true;
      std::this_thread::sleep_for(round * command.plan.interval / rounds);
      std::raise(SIGTERM);
    });
    EXPECT_EQ(course.echoes_while(LoadStage::kMeasuring), course.summary.counts.echoes) << round;
    EXPECT_EQ(course.echoes_of_timeline(), course.summary.counts.echoes) << round;
  }
}

TEST(LoadRun, DoesNotWaitForEchoesAfterASecondSignal) {
  const ServerThread server(Manners::kSaysNothing);
  auto command = short_load();
  command.plan.duration = 0ms;
  command.plan.interval = 20ms;
  command.plan.wait = kDeadline;
  const auto start = std::chrono::steady_clock::now();
  const auto summary = course_of(command, server.address(), [](const auto& intervals) {
                         if (intervals.size() == 2) {
                           std::raise(SIGTERM);
                           std::raise(SIGINT);
                         }
                       }).summary;
  EXPECT_LT(std::chrono::steady_clock::now() - start, kDeadline);
  EXPECT_TRUE(summary.interrupted);
  EXPECT_EQ(summary.counts.stuck + summary.counts.unreachable, 4U);
}

TEST(LoadRun, GivesUpTheLastEchoesAfterTheWait) {
  const ServerThread server(Manners::kSaysNothing);
  auto command = short_load();
  command.plan.duration = 0ms;
  command.plan.interval = 20ms;
  command.plan.wait = 30ms;
  const auto all_bytes = command.plan.connections * command.plan.message_size;
  std::uint64_t sent = 0;
  const auto summary = course_of(command, server.address(), [&](const auto& intervals) {
                         const auto more = intervals.back().counts.sent_bytes;
                         sent += more;
                         if (more > 0 && sent == all_bytes) std::raise(SIGTERM);
                       }).summary;
  EXPECT_FALSE(summary.is_good());
  EXPECT_EQ(summary.counts.stuck, 4U);
  EXPECT_EQ(summary.counts.faults.missing, all_bytes);
  EXPECT_EQ(summary.latency.count(), 4U) << "what never came back counts with the time it was waited for";
  EXPECT_GE(summary.latency.min(), 30ms);
  EXPECT_GE(summary.longest_silence, 30ms);
}

TEST(LoadRun, CountsConnectionsThatNobodyTakes) {
  const UniqueFd taken(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));  // but nobody listens there
  const auto anywhere = any_loopback_port();
  ASSERT_EQ(::bind(taken.get(), anywhere.address(), anywhere.size()), 0);
  auto command = short_load();
  command.plan.duration = 20ms;
  const auto summary = course_of(command, bound(taken)).summary;
  EXPECT_FALSE(summary.is_good());
  EXPECT_GE(summary.counts.refused, 4U);
  EXPECT_EQ(summary.counts.connected, 0U);
  EXPECT_EQ(summary.counts.echoes, 0U);
}

}  // namespace
}  // namespace tcp_echo::test
