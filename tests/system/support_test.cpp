// What the other tests of the program stand on.

#include <gtest/gtest.h>

#include "system/daemon.hpp"

namespace tcp_echo::test {
namespace {

// As one in /proc whose process ends between open(2) and read(2): there is nothing at a process's address 0.
TEST(Support, AFileThatCanBeOpenedAndNotReadHasNoContent) { EXPECT_EQ(content("/proc/self/mem"), ""); }

}  // namespace
}  // namespace tcp_echo::test
