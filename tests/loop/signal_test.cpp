#include "tcp_echo/loop/signal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <memory>

#include "support/wait.hpp"
#include "tcp_echo/base/signal_name.hpp"

namespace tcp_echo::test {
namespace {

TEST(Signal, ComesThroughTheLoopWithItsNumber) {
  Loop loop;
  int received = 0;
  const Signal signal(loop, SIGUSR1, [&](int number) { received = number; });
  std::raise(SIGUSR1);
  EXPECT_EQ(received, 0) << "nothing runs in the handler itself";
  EXPECT_TRUE(turn_until(loop, [&] { return received != 0; }));
  EXPECT_EQ(received, SIGUSR1);
}

TEST(Signal, ReachesEveryHandlerOfItsNumberAndNoOther) {
  Loop loop;
  int one = 0;
  int two = 0;
  const Signal first(loop, SIGUSR1, [&](int) { ++one; });
  const Signal second(loop, SIGUSR1, [&](int) { ++two; });
  const Signal other(loop, SIGUSR2, [](int) { FAIL(); });
  std::raise(SIGUSR1);
  EXPECT_TRUE(turn_until(loop, [&] { return one == 1 && two == 1; }));
}

TEST(Signal, MayBeDestroyedInItsOwnCallback) {
  Loop loop;
  bool received = false;
  std::unique_ptr<Signal> signal;
  signal = std::make_unique<Signal>(loop, SIGUSR1, [&](int) {
    signal.reset();
    received = true;
  });
  std::raise(SIGUSR1);
  EXPECT_TRUE(turn_until(loop, [&] { return received; }));
}

TEST(Signal, ThatNobodyMayCatchIsAFatalError) {
  Loop loop;
  try {
    const Signal signal(loop, SIGKILL, [](int) {});
    FAIL() << "SIGKILL was caught";
  } catch (const FatalError& error) {
    EXPECT_THAT(error.what(), ::testing::StartsWith("handle SIGKILL: "));
  }
}

TEST(IgnoreSignal, LetsItPassWithoutEffect) {
  struct sigaction before {};
  ASSERT_EQ(::sigaction(SIGUSR1, nullptr, &before), 0);
  ignore_signal(SIGUSR1);
  std::raise(SIGUSR1);
  ASSERT_EQ(::sigaction(SIGUSR1, &before, nullptr), 0);
}

TEST(SignalName, IsTheOneThatOperatorsType) {
  EXPECT_EQ(signal_name(SIGTERM), "SIGTERM");
  EXPECT_EQ(signal_name(SIGSEGV), "SIGSEGV");
  EXPECT_EQ(signal_name(SIGKILL), "SIGKILL");
}

TEST(SignalName, OfAnUnknownSignalIsItsNumber) { EXPECT_EQ(signal_name(77), "signal 77"); }

}  // namespace
}  // namespace tcp_echo::test
