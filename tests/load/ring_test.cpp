#include "tcp_echo/load/ring.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <set>

namespace tcp_echo::test {
namespace {

TEST(Ring, IsAQueue) {
  Ring<int> ring;
  EXPECT_TRUE(ring.is_empty());
  for (int i = 0; i < 5; ++i) ring.push(i);
  EXPECT_EQ(ring.size(), 5U);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(ring.front(), i);
    ring.pop();
  }
  EXPECT_TRUE(ring.is_empty());
}

TEST(Ring, ForgetsEverything) {
  Ring<int> ring;
  ring.push(1);
  ring.push(2);
  ring.clear();
  EXPECT_TRUE(ring.is_empty());
  ring.push(3);
  EXPECT_EQ(ring.front(), 3);
}

TEST(Ring, KeepsTheOrderWhereverItBeginsWhenItGrows) {
  Ring<int> ring;
  std::deque<int> model;
  std::mt19937 random(1);
  for (int i = 0; i < 10'000; ++i) {
    if (model.empty() || random() % 100 < 52) {
      ring.push(i);
      model.push_back(i);
    } else {
      ring.pop();
      model.pop_front();
    }
    ASSERT_EQ(ring.size(), model.size());
    if (!model.empty()) {
      ASSERT_EQ(ring.front(), model.front()) << "after " << i;
    }
  }
}

TEST(Ring, UsesItsMemoryAgainOnceItIsLargeEnough) {
  Ring<int> ring;
  for (int i = 0; i < 8; ++i) ring.push(i);
  std::set<const int*> places;
  for (int i = 8; i < 1000; ++i) {
    places.insert(&ring.front());
    ring.pop();
    ring.push(i);
    ASSERT_EQ(ring.front(), i - 7);
  }
  EXPECT_EQ(places.size(), 8U);
}

}  // namespace
}  // namespace tcp_echo::test
