#include "tcp_echo/loop/waker.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "support/wait.hpp"

namespace tcp_echo::test {
namespace {

TEST(Waker, CallsBackInTheLoopsThread) {
  Loop loop;
  std::thread::id called_in;
  Waker waker(loop, [&] {
    called_in = std::this_thread::get_id();
    loop.stop();
  });
  std::thread other([&] { waker.wake(); });
  loop.run();
  other.join();
  EXPECT_EQ(called_in, std::this_thread::get_id());
}

TEST(Waker, SeveralCallsAreOneAtLeast) {
  Loop loop;
  int calls = 0;
  Waker waker(loop, [&] {
    ++calls;
    loop.stop();
  });
  for (int i = 0; i < 10; ++i) waker.wake();
  loop.run();
  EXPECT_GE(calls, 1);
  EXPECT_LE(calls, 10);
}

TEST(Waker, CallsBackAfterTheLastOfManyCalls) {
  Loop loop;
  constexpr int kThreads = 3;
  constexpr int kEach = 1000;
  std::atomic<int> written{0};
  int seen = 0;
  Waker waker(loop, [&] { seen = written; });
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int call = 0; call < kEach; ++call) {
        ++written;
        waker.wake();
      }
    });
  }
  EXPECT_TRUE(turn_until(loop, [&] { return seen == kThreads * kEach; }));
  for (auto& thread : threads) thread.join();
}

TEST(Waker, MayBeWokenWhileItCallsBack) {
  Loop loop;
  int calls = 0;
  std::optional<Waker> waker;
  waker.emplace(loop, [&] {
    if (++calls < 3) return waker->wake();
    loop.stop();
  });
  waker->wake();
  loop.run();
  EXPECT_EQ(calls, 3);
}

TEST(Waker, ThatIsDestroyedCallsNobody) {
  Loop loop;
  std::optional<Waker> waker;
  waker.emplace(loop, [] { FAIL(); });
  waker->wake();
  waker.reset();
  loop.run();
}

}  // namespace
}  // namespace tcp_echo::test
