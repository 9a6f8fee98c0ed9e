#include "tcp_echo/base/unique_fd.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace tcp_echo {
namespace {

int any_descriptor() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST(UniqueFd, IsEmptyUnlessItWasGivenADescriptor) {
  EXPECT_FALSE(UniqueFd());
  EXPECT_FALSE(UniqueFd(-1));
  EXPECT_EQ(UniqueFd().get(), -1);
  EXPECT_TRUE(UniqueFd(any_descriptor()));
}

TEST(UniqueFd, ClosesAtTheEndOfItsScope) {
  int fd = -1;
  {
    const UniqueFd owner(any_descriptor());
    fd = owner.get();
    EXPECT_TRUE(is_open(fd));
  }
  EXPECT_FALSE(is_open(fd));
}

TEST(UniqueFd, HandsOverWhenMoved) {
  UniqueFd from(any_descriptor());
  const int fd = from.get();
  const UniqueFd to(std::move(from));
  EXPECT_EQ(to.get(), fd);
  EXPECT_TRUE(is_open(fd));
}

TEST(UniqueFd, ClosesItsOwnWhenAnotherIsMovedIn) {
  UniqueFd from(any_descriptor());
  UniqueFd to(any_descriptor());
  const int old = to.get();
  const int fd = from.get();
  to = std::move(from);
  EXPECT_FALSE(is_open(old));
  EXPECT_EQ(to.get(), fd);
  EXPECT_TRUE(is_open(fd));
}

TEST(UniqueFd, SurvivesBeingMovedIntoItself) {
  UniqueFd fd(any_descriptor());
  auto& same = fd;
  fd = std::move(same);
  EXPECT_TRUE(is_open(fd.get()));
}

TEST(UniqueFd, GivesUpWhatItReleases) {
  UniqueFd owner(any_descriptor());
  const UniqueFd released(owner.release());
  EXPECT_FALSE(owner);
  EXPECT_TRUE(is_open(released.get()));
}

TEST(UniqueFd, ClosesTheOldOneOnReset) {
  UniqueFd owner(any_descriptor());
  const int old = owner.get();
  const int fresh = any_descriptor();
  owner.reset(fresh);
  EXPECT_FALSE(is_open(old));
  EXPECT_EQ(owner.get(), fresh);
  owner.reset();
  EXPECT_FALSE(is_open(fresh));
  EXPECT_FALSE(owner);
}

}  // namespace
}  // namespace tcp_echo
