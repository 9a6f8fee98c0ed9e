#include "tcp_echo/loop/waker.hpp"

#include <gtest/gtest.h>

#include <thread>

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

}  // namespace
}  // namespace tcp_echo::test
