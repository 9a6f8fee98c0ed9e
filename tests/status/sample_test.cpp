#include "status/sample.hpp"

#include <gtest/gtest.h>

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

TEST(Sample, KnowsTheBusiestWorkerWhateverItWrites) {
  ServiceStatus status;
  EXPECT_EQ(sample_of(status, 5s), (Sample{.at = 5000})) << "nobody is there yet";
  status.slots.resize(3);
  for (unsigned slot = 1; slot <= 3; ++slot) status.slots[slot - 1].slot = slot;
  status.slots[0].busy_ratio = 0.25;
  status.slots[1].busy_ratio = 0.5;
  EXPECT_EQ(sample_of(status, 5s).busiest_permille, 500U);
  EXPECT_EQ(sample_of(status, 5s).busiest_slot, 2U);
  status.slots[2].busy_ratio = 1e30;
  EXPECT_EQ(sample_of(status, 5s).busiest_permille, 1000U);
}

}  // namespace
}  // namespace tcp_echo::test
