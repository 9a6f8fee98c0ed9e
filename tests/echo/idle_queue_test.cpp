#include "tcp_echo/echo/idle_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <vector>

#include "support/wait.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

struct Member : IdleNode {
  int number = 0;
};

/// A queue that removes who expires and writes it down.
struct WatchedQueue {
  explicit WatchedQueue(std::chrono::milliseconds timeout)
      : queue(loop, timeout, [this](IdleNode& node) {
          queue.remove(node);
          expired.push_back(static_cast<Member&>(node).number);
          quiet_for.push_back(loop.now() - node.last_activity());
        }) {}

  void add(std::vector<Member>& members) {
    for (std::size_t i = 0; i < members.size(); ++i) {
      members[i].number = static_cast<int>(i);
      queue.add(members[i]);
    }
  }
  [[nodiscard]] bool until_expired(std::size_t count) {
    return turn_until(loop, [&] { return expired.size() >= count; });
  }
  /// Turns until the loop's clock has moved on.
  void let_pass(std::chrono::milliseconds period) {
    const auto start = loop.now();
    EXPECT_TRUE(turn_until(loop, [&] { return loop.now() - start >= period; }));
  }

  Loop loop;
  std::vector<int> expired;
  std::vector<std::chrono::milliseconds> quiet_for;
  IdleQueue queue;
};

TEST(IdleQueue, IsEmptyAtFirstAndAfterTheLastIsRemoved) {
  WatchedQueue queue(1h);
  std::vector<Member> members(2);
  EXPECT_TRUE(queue.queue.is_empty());
  queue.add(members);
  EXPECT_FALSE(queue.queue.is_empty());
  queue.queue.remove(members[0]);
  EXPECT_FALSE(queue.queue.is_empty());
  queue.queue.remove(members[1]);
  EXPECT_TRUE(queue.queue.is_empty());
}

TEST(IdleQueue, ExpiresTheOldestFirst) {
  WatchedQueue queue(10ms);
  std::vector<Member> members(5);
  queue.add(members);
  EXPECT_TRUE(queue.until_expired(5));
  EXPECT_EQ(queue.expired, (std::vector{0, 1, 2, 3, 4}));
}

TEST(IdleQueue, ExpiresNobodyTooEarly) {
  WatchedQueue queue(30ms);
  std::vector<Member> members(3);
  for (auto& member : members) {
    queue.queue.add(member);
    queue.let_pass(5ms);
  }
  EXPECT_TRUE(queue.until_expired(3));
  for (const auto quiet : queue.quiet_for) EXPECT_GE(quiet, 30ms);
}

TEST(IdleQueue, ATouchedMemberGoesToTheEnd) {
  WatchedQueue queue(10ms);
  std::vector<Member> members(4);
  queue.add(members);
  queue.queue.touch(members[0]);
  queue.queue.touch(members[2]);
  queue.queue.touch(members[2]);
  EXPECT_TRUE(queue.until_expired(4));
  EXPECT_EQ(queue.expired, (std::vector{1, 3, 0, 2}));
}

TEST(IdleQueue, ATouchCountsFromNowAlsoForTheNewest) {
  WatchedQueue queue(30ms);
  std::vector<Member> members(1);
  queue.add(members);
  for (int i = 0; i < 5; ++i) {
    queue.let_pass(10ms);
    if (!queue.expired.empty()) GTEST_SKIP() << "the machine stood still for longer than the timeout";
    queue.queue.touch(members[0]);
  }
  EXPECT_TRUE(queue.until_expired(1));
  EXPECT_GE(queue.quiet_for.front(), 30ms);
}

TEST(IdleQueue, ARemovedMemberDoesNotExpire) {
  WatchedQueue queue(10ms);
  std::vector<Member> members(3);
  queue.add(members);
  queue.queue.remove(members[1]);
  EXPECT_TRUE(queue.until_expired(2));
  EXPECT_EQ(queue.expired, (std::vector{0, 2}));
  EXPECT_TRUE(queue.queue.is_empty());
}

TEST(IdleQueue, TakesMembersAgainAfterItRanEmpty) {
  WatchedQueue queue(5ms);
  std::vector<Member> members(1);
  queue.add(members);
  ASSERT_TRUE(queue.until_expired(1));
  queue.add(members);
  EXPECT_TRUE(queue.until_expired(2));
}

TEST(IdleQueue, LetsAnExpiredMemberStayWhenItIsTouched) {
  Loop loop;
  int asked = 0;
  IdleQueue* self = nullptr;
  IdleQueue queue(loop, 5ms, [&](IdleNode& node) { ++asked < 3 ? self->touch(node) : self->remove(node); });
  self = &queue;
  Member member;
  queue.add(member);
  EXPECT_TRUE(turn_until(loop, [&] { return queue.is_empty(); }));
  EXPECT_EQ(asked, 3);
}

TEST(IdleQueue, ExpiresNoMoreThan64InATurn) {
  WatchedQueue queue(5ms);
  std::vector<Member> members(300);
  queue.add(members);
  std::size_t most = 0;
  EXPECT_TRUE(turn_until(queue.loop, [&] {
    const auto before = queue.expired.size();
    uv_run(queue.loop.raw(), UV_RUN_NOWAIT);
    most = std::max(most, queue.expired.size() - before);
    return queue.expired.size() == members.size();
  }));
  EXPECT_EQ(most, 64U);
  std::vector<int> all(members.size());
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(queue.expired, all);
}

TEST(IdleQueue, ATimeoutOfZeroNeverEnds) {
  WatchedQueue queue(0ms);
  std::vector<Member> members(3);
  queue.add(members);
  queue.let_pass(20ms);
  EXPECT_TRUE(queue.expired.empty());
  EXPECT_EQ(uv_loop_alive(queue.loop.raw()), 0) << "no timer should run";
}

TEST(IdleQueue, AShorterTimeoutCountsForThoseWhoWaitAlready) {
  WatchedQueue queue(1h);
  std::vector<Member> members(3);
  queue.add(members);
  queue.let_pass(5ms);
  queue.queue.set_timeout(3ms);
  EXPECT_TRUE(queue.until_expired(3));
}

TEST(IdleQueue, ALongerTimeoutCountsForThoseWhoWaitAlready) {
  WatchedQueue queue(5ms);
  std::vector<Member> members(3);
  queue.add(members);
  queue.queue.set_timeout(1h);
  queue.let_pass(20ms);
  EXPECT_TRUE(queue.expired.empty());
}

TEST(IdleQueue, ATimeoutAfterNoneWakesThoseWhoWaitAlready) {
  WatchedQueue queue(0ms);
  std::vector<Member> members(3);
  queue.add(members);
  queue.queue.set_timeout(5ms);
  EXPECT_TRUE(queue.until_expired(3));
}

TEST(IdleQueue, MayBeGivenATimeoutWhileItIsEmpty) {
  WatchedQueue queue(0ms);
  queue.queue.set_timeout(5ms);
  std::vector<Member> members(1);
  queue.add(members);
  EXPECT_TRUE(queue.until_expired(1));
}

// Longer than any test waits: whoever expires had most of it behind them.
constexpr auto kLong = 1min;

TEST(IdleQueue, HasNoNewestWhileItIsEmpty) {
  WatchedQueue queue(1h);
  EXPECT_EQ(queue.queue.newest(), nullptr);
}

TEST(IdleQueue, NewestIsWhoWasAddedOrTouchedLast) {
  WatchedQueue queue(1h);
  std::vector<Member> members(3);
  queue.add(members);
  EXPECT_EQ(queue.queue.newest(), &members[2]);
  queue.queue.touch(members[0]);
  EXPECT_EQ(queue.queue.newest(), &members[0]);
  queue.queue.remove(members[0]);
  EXPECT_EQ(queue.queue.newest(), &members[2]);
}

TEST(IdleQueue, InsertsInTheOrderOfActivity) {
  WatchedQueue queue(kLong);
  std::vector<Member> members(5);
  const auto oldest = queue.loop.now() - kLong;
  const std::vector activity = {oldest + 3ms, oldest + 1ms, oldest + 4ms, oldest, oldest + 2ms};
  for (std::size_t i = 0; i < members.size(); ++i) {
    members[i].number = static_cast<int>(i);
    queue.queue.insert(members[i], activity[i]);
    EXPECT_EQ(members[i].last_activity(), activity[i]);
  }
  EXPECT_EQ(queue.queue.newest(), &members[2]);
  EXPECT_TRUE(queue.until_expired(5));
  EXPECT_EQ(queue.expired, (std::vector{3, 1, 4, 0, 2}));
}

TEST(IdleQueue, InsertsBehindThoseThatWereActiveAtTheSameTime) {
  WatchedQueue queue(1h);
  std::vector<Member> members(3);
  const auto then = queue.loop.now() - 5ms;
  for (auto& member : members) {
    queue.queue.insert(member, then);
    EXPECT_EQ(queue.queue.newest(), &member);
  }
}

TEST(IdleQueue, InsertsARowInTheOrderOfActivityWhicheverWayItRuns) {
  WatchedQueue queue(kLong);
  std::vector<Member> members(4);
  queue.add(members);
  std::vector<Member> row(6);
  IdleQueue::Cursor cursor(queue.queue);
  IdleQueue::Cursor other(queue.queue);
  const auto oldest = queue.loop.now() - kLong;
  for (const int i : {5, 3, 0}) cursor.insert(row[static_cast<std::size_t>(i)], oldest + i * 1ms);
  for (const int i : {1, 2, 4}) other.insert(row[static_cast<std::size_t>(i)], oldest + i * 1ms);
  EXPECT_EQ(queue.queue.newest(), &members[3]);
  for (std::size_t i = 0; i < row.size(); ++i) row[i].number = 10 + static_cast<int>(i);
  EXPECT_TRUE(queue.until_expired(6));
  EXPECT_EQ(queue.expired, (std::vector{10, 11, 12, 13, 14, 15}));
}

TEST(IdleQueue, ACursorIsNoMember) {
  WatchedQueue queue(kLong);
  IdleQueue::Cursor cursor(queue.queue);
  EXPECT_TRUE(queue.queue.is_empty());
  EXPECT_EQ(queue.queue.newest(), nullptr);
  Member member;
  cursor.insert(member, queue.loop.now() - kLong);
  EXPECT_FALSE(queue.queue.is_empty());
  EXPECT_TRUE(queue.until_expired(1));
  EXPECT_TRUE(queue.queue.is_empty());
  EXPECT_EQ(uv_loop_alive(queue.loop.raw()), 0) << "no timer should run";
}

TEST(IdleQueue, MembersThatComeAndGoAtACursorDoNotLeadItAstray) {
  WatchedQueue queue(1h);
  std::vector<Member> members(6);
  const auto oldest = queue.loop.now() - 10ms;
  IdleQueue::Cursor cursor(queue.queue);
  cursor.insert(members[0], oldest + 5ms);
  queue.queue.touch(members[0]);
  cursor.insert(members[1], oldest + 4ms);
  queue.queue.remove(members[1]);
  cursor.insert(members[2], oldest + 6ms);
  queue.queue.add(members[3]);
  cursor.insert(members[4], oldest + 7ms);
  cursor.insert(members[5], oldest);
  std::vector<const IdleNode*> newest_first;
  while (auto* const newest = queue.queue.newest()) {
    newest_first.push_back(newest);
    queue.queue.remove(*newest);
  }
  EXPECT_EQ(newest_first,
            (std::vector<const IdleNode*>{&members[3], &members[0], &members[4], &members[2], &members[5]}));
}

/// How long it takes to insert a row of that many, the newest first as a predecessor sends them, into a queue
/// of `there` members that were active at the same times.
std::chrono::nanoseconds time_to_insert_among(std::size_t there) {
  constexpr std::size_t kRow = 50'000;
  WatchedQueue queue(0ms);
  std::vector<Member> members(there);
  std::vector<Member> row(kRow);
  const auto oldest = queue.loop.now() - 1h;
  IdleQueue::Cursor cursor(queue.queue);
  for (std::size_t i = there; i-- > 0;) cursor.insert(members[i], oldest + std::chrono::milliseconds(i));
  IdleQueue::Cursor next(queue.queue);
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t i = kRow; i-- > 0;) next.insert(row[i], oldest + std::chrono::milliseconds(i));
  return std::chrono::steady_clock::now() - begin;
}

TEST(IdleQueue, TakesFiftyThousandAmongFiftyThousandInLittleMoreTimeThanAmongNone) {
  constexpr int kGenerously = 50;  // a walk from either end takes many thousand times as long
  EXPECT_LT(time_to_insert_among(50'000), kGenerously * time_to_insert_among(0));
}

TEST(IdleQueue, GivesWhoIsInsertedTheRestOfTheTime) {
  WatchedQueue queue(kLong);
  Member member;
  queue.queue.insert(member, queue.loop.now() - kLong + 30ms);
  EXPECT_TRUE(queue.until_expired(1));
  EXPECT_GE(queue.quiet_for.front(), kLong);
}

TEST(IdleQueue, RingsEarlierForAnOlderOneThatIsInserted) {
  WatchedQueue queue(kLong);
  std::vector<Member> members(2);
  queue.add(members);
  Member older;
  older.number = 7;
  queue.queue.insert(older, queue.loop.now() - kLong + 10ms);
  EXPECT_TRUE(queue.until_expired(1));
  EXPECT_EQ(queue.expired, (std::vector{7}));
  EXPECT_EQ(queue.queue.newest(), &members[1]);
}

TEST(IdleQueue, RingsNoLaterForANewerOneThatIsInserted) {
  WatchedQueue queue(kLong);
  Member older;
  Member newer;
  newer.number = 7;
  queue.queue.insert(older, queue.loop.now() - kLong + 10ms);
  queue.queue.insert(newer, queue.loop.now());
  EXPECT_TRUE(queue.until_expired(1));
  EXPECT_EQ(queue.expired, (std::vector{0}));
}

TEST(IdleQueue, InsertsAmongThoseThatNeverExpire) {
  WatchedQueue queue(0ms);
  Member member;
  queue.queue.insert(member, queue.loop.now() - kLong);
  queue.let_pass(20ms);
  EXPECT_TRUE(queue.expired.empty());
  EXPECT_EQ(uv_loop_alive(queue.loop.raw()), 0) << "no timer should run";
}

}  // namespace
}  // namespace tcp_echo::test
