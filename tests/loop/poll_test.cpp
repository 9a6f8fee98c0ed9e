#include "tcp_echo/loop/poll.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>

#include "support/full_epoll.hpp"
#include "support/sockets.hpp"
#include "support/wait.hpp"

/// In place of the C library's, for this whole program and the libraries that it loads.
// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): the library's names are reserved ones
extern "C" int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept {
  if (operation == EPOLL_CTL_ADD && tcp_echo::test::epoll_is_full) {
    errno = ENOSPC;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_epoll_ctl, epoll, operation, fd, event));
}

namespace tcp_echo::test {
namespace {

std::string read_from(int fd) {
  std::string bytes(100, '\0');
  const auto got = ::recv(fd, bytes.data(), bytes.size(), 0);
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return bytes;
}

TEST(Poll, MakesTheDescriptorNonBlocking) {
  Loop loop;
  const TcpPair pair;
  ::fcntl(pair.server.get(), F_SETFL, 0);
  const Poll poll(loop, pair.server.get(), [] {});
  EXPECT_NE(::fcntl(pair.server.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST(Poll, CallsWhenThereIsSomethingToRead) {
  Loop loop;
  TcpPair pair;
  std::string read;
  Poll poll(loop, pair.server.get(), [&] { read = read_from(pair.server.get()); });
  ASSERT_TRUE(poll.watch(Readiness::kReadable));
  pair.client.send("hello");
  EXPECT_TRUE(turn_until(loop, [&] { return read == "hello"; }));
}

TEST(Poll, CallsAgainAsLongAsSomethingIsThere) {
  Loop loop;
  TcpPair pair;
  int calls = 0;
  Poll poll(loop, pair.server.get(), [&] { ++calls; });
  ASSERT_TRUE(poll.watch(Readiness::kReadable));
  pair.client.send("hello");
  EXPECT_TRUE(turn_until(loop, [&] { return calls >= 3; }));
}

TEST(Poll, ChangesFromReadableToWritable) {
  Loop loop;
  TcpPair pair;
  bool called = false;
  Poll poll(loop, pair.server.get(), [&] { called = true; });
  ASSERT_TRUE(poll.watch(Readiness::kReadable));
  turn(loop);
  ASSERT_FALSE(called);
  ASSERT_TRUE(poll.watch(Readiness::kWritable));
  EXPECT_TRUE(turn_until(loop, [&] { return called; }));
}

TEST(Poll, StopsCallingWithinTheSameTurn) {
  Loop loop;
  TcpPair one;
  TcpPair two;
  int calls = 0;
  std::unique_ptr<Poll> first;
  std::unique_ptr<Poll> second;
  first = std::make_unique<Poll>(loop, one.server.get(), [&] { ++calls, first->stop(), second->stop(); });
  second = std::make_unique<Poll>(loop, two.server.get(), [&] { ++calls, first->stop(), second->stop(); });
  ASSERT_TRUE(first->watch(Readiness::kReadable));
  ASSERT_TRUE(second->watch(Readiness::kReadable));
  one.client.send("x");
  two.client.send("x");
  EXPECT_TRUE(turn_until(loop, [&] { return calls > 0; }));
  for (int i = 0; i < 3; ++i) turn(loop);
  EXPECT_EQ(calls, 1);
}

TEST(Poll, MayBeDestroyedInItsOwnCallback) {
  Loop loop;
  TcpPair pair;
  bool called = false;
  std::unique_ptr<Poll> poll;
  poll = std::make_unique<Poll>(loop, pair.server.get(), [&] {
    poll.reset();
    called = true;
  });
  ASSERT_TRUE(poll->watch(Readiness::kReadable));
  pair.client.send("x");
  EXPECT_TRUE(turn_until(loop, [&] { return called; }));
}

TEST(Poll, CallsWhenTheConnectionBreaks) {
  Loop loop;
  TcpPair pair;
  bool called = false;
  Poll poll(loop, pair.server.get(), [&] { called = true; });
  ASSERT_TRUE(poll.watch(Readiness::kReadable));
  pair.client.reset();
  EXPECT_TRUE(turn_until(loop, [&] { return called; }));
}

TEST(Poll, OfWhatCannotBePolledIsAFatalError) {
  Loop loop;
  const UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  EXPECT_THROW(Poll(loop, file.get(), [] {}), FatalError);
}

// Without a look beforehand libuv would find out in its next turn, and abort.
TEST(Poll, SaysThatTheKernelHasNoRoomForItAndWatchesWhenItHas) {
  Loop loop;
  TcpPair pair;
  bool called = false;
  Poll poll(loop, pair.server.get(), [&] { called = true; });
  {
    const FullEpoll full;
    const auto watched = poll.watch(Readiness::kReadable);
    ASSERT_FALSE(watched);
    EXPECT_EQ(watched.error().text, "poll a descriptor: No space left on device");
    turn(loop);
  }
  ASSERT_TRUE(poll.watch(Readiness::kReadable));
  pair.client.send("x");
  EXPECT_TRUE(turn_until(loop, [&] { return called; }));
}

/// Counts what an EmbeddedPoll tells its owner.
struct Owner {
  void on_ready(bool failed) noexcept {
    ++(failed ? failures : calls);
    if (close_when_called) poll.close();
  }
  void on_poll_closed() noexcept { closed = true; }

  EmbeddedPoll<Owner> poll;
  bool close_when_called = false;
  int calls = 0;
  int failures = 0;
  bool closed = false;
};

/// One that watches.
struct EmbeddedPollTest : ::testing::Test {
  EmbeddedPollTest() {
    EXPECT_EQ(owner.poll.init(loop, pair.server.get(), owner), 0);
    EXPECT_EQ(owner.poll.watch(Readiness::kReadable), 0);
  }
  void close() {
    owner.poll.close();
    EXPECT_TRUE(turn_until(loop, [this] { return owner.closed; }));
  }

  Loop loop;
  TcpPair pair;
  Owner owner;
};

TEST_F(EmbeddedPollTest, CallsItsOwner) {
  pair.client.send("x");
  EXPECT_TRUE(turn_until(loop, [&] { return owner.calls > 0; }));
  EXPECT_EQ(owner.failures, 0);
  close();
}

TEST_F(EmbeddedPollTest, MayBeClosedInItsOwnCallback) {
  owner.close_when_called = true;
  pair.client.send("x");
  EXPECT_TRUE(turn_until(loop, [&] { return owner.closed; }));
  EXPECT_EQ(owner.calls, 1);
}

TEST_F(EmbeddedPollTest, TellsAFailureOnce) {
  pair.client.reset();
  EXPECT_TRUE(turn_until(loop, [&] { return owner.failures > 0; }));
  for (int i = 0; i < 3; ++i) turn(loop);
  EXPECT_EQ(owner.failures, 1);
  close();
}

TEST_F(EmbeddedPollTest, CallsNoMoreOnceStoppedUntilItIsToldToWatchAgain) {
  pair.client.send("x");
  ASSERT_TRUE(turn_until(loop, [&] { return owner.calls > 0; }));
  owner.poll.stop();
  const int before = owner.calls;
  for (int i = 0; i < 5; ++i) turn(loop);
  EXPECT_EQ(owner.calls, before);
  ASSERT_EQ(owner.poll.watch(Readiness::kReadable), 0);
  EXPECT_TRUE(turn_until(loop, [&] { return owner.calls > before; }));
  close();
}

// The kernel goes on as long as any descriptor of the socket is open, whoever has it: epoll(7), Q6.
TEST_F(EmbeddedPollTest, MayBeStoppedBeforeTheDescriptorGoesToAnother) {
  turn(loop);
  const UniqueFd others(::fcntl(pair.server.get(), F_DUPFD_CLOEXEC, 0));
  owner.poll.stop();
  close();
  pair.server.reset();
  pair.client.send("x");
  pollfd events{uv_backend_fd(loop.raw()), POLLIN, 0};
  ASSERT_TRUE(eventually([&] { return read_from(others.get()) == "x"; }));
  pair.client.send("y");
  EXPECT_EQ(::poll(&events, 1, 10), 0) << "the loop would wake up for it";
}

TEST(EmbeddedPoll, OfWhatCannotBePolledIsAnError) {
  Loop loop;
  const UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  Owner owner;
  EXPECT_EQ(owner.poll.init(loop, file.get(), owner), UV_EPERM);
}

/// A socket on a number of our choice.
UniqueFd moved_to(int number, UniqueFd fd) {
  EXPECT_EQ(::dup3(fd.get(), number, O_CLOEXEC), number);
  return UniqueFd(number);
}

TEST(EmbeddedPoll, ServesTheNextDescriptorOfItsNumber) {
  constexpr int kNumber = 200;
  Loop loop;
  for (int i = 0; i < 3; ++i) {
    TcpPair pair;
    Owner owner;
    const auto fd = moved_to(kNumber, std::move(pair.server));
    ASSERT_EQ(owner.poll.init(loop, fd.get(), owner), 0);
    EXPECT_EQ(owner.poll.watch(Readiness::kReadable), 0);
    turn(loop);
    EXPECT_EQ(owner.calls, 0) << "what came for the one before is not for this one";
    pair.client.send("x");
    EXPECT_TRUE(turn_until(loop, [&] { return owner.calls > 0; }));
    owner.poll.close();
    EXPECT_FALSE(owner.closed) << "it may be in the midst of its own affairs";
    turn(loop);
    EXPECT_TRUE(owner.closed);
  }
}

TEST(EmbeddedPoll, OfOneThatTheKernelHasNoRoomForIsAnErrorAlsoOnANumberThatWasInUse) {
  constexpr int kNumber = 200;
  Loop loop;
  for (int i = 0; i < 2; ++i) {
    TcpPair pair;
    Owner owner;
    const auto fd = moved_to(kNumber, std::move(pair.server));
    ASSERT_EQ(owner.poll.init(loop, fd.get(), owner), 0);
    for (int j = 0; j < 2; ++j) {
      {
        const FullEpoll full;
        EXPECT_EQ(owner.poll.watch(Readiness::kReadable), UV_ENOSPC);
        turn(loop);
      }
      EXPECT_EQ(owner.poll.watch(Readiness::kReadable), 0);
      turn(loop);
    }
    owner.poll.close();
    EXPECT_TRUE(turn_until(loop, [&] { return owner.closed; }));
  }
}

TEST(EmbeddedPoll, LeavesItsNumberToOthers) {
  constexpr int kNumber = 200;
  Loop loop;
  TcpPair first;
  Owner owner;
  auto fd = moved_to(kNumber, std::move(first.server));
  ASSERT_EQ(owner.poll.init(loop, fd.get(), owner), 0);
  EXPECT_EQ(owner.poll.watch(Readiness::kReadable), 0);
  owner.poll.close();
  turn(loop);
  fd.reset();

  TcpPair second;
  fd = moved_to(kNumber, std::move(second.server));
  bool called = false;
  Poll other(loop, fd.get(), [&] { called = true; });
  ASSERT_TRUE(other.watch(Readiness::kReadable));
  second.client.send("x");
  EXPECT_TRUE(turn_until(loop, [&] { return called; }));
}

/// Begins anew, with another descriptor of the same number, as soon as it hears that the former one is
/// closed.
struct Phoenix {
  void on_ready(bool /*failed*/) noexcept { ++calls; }
  void on_poll_closed() noexcept {
    if (++lives == 2) return;
    fd.reset();
    fd = moved_to(200, std::move(second.server));
    EXPECT_EQ(poll.init(loop, fd.get(), *this), 0);
    EXPECT_EQ(poll.watch(Readiness::kReadable), 0);
  }

  Loop loop;
  TcpPair first;
  TcpPair second;
  UniqueFd fd = moved_to(200, std::move(first.server));
  EmbeddedPoll<Phoenix> poll;
  int lives = 0;
  int calls = 0;
};

TEST(EmbeddedPoll, MayBeginAnewWhenItHasClosed) {
  Phoenix phoenix;
  ASSERT_EQ(phoenix.poll.init(phoenix.loop, phoenix.fd.get(), phoenix), 0);
  Owner other;
  TcpPair pair;
  ASSERT_EQ(other.poll.init(phoenix.loop, pair.server.get(), other), 0);
  other.poll.close();
  phoenix.poll.close();
  turn(phoenix.loop);
  EXPECT_TRUE(other.closed);
  phoenix.second.client.send("x");
  EXPECT_TRUE(turn_until(phoenix.loop, [&] { return phoenix.calls > 0; }));
  phoenix.poll.close();
  EXPECT_TRUE(turn_until(phoenix.loop, [&] { return phoenix.lives == 2; }));
}

}  // namespace
}  // namespace tcp_echo::test
