#include "tcp_echo/loop/process_title.hpp"

#include <gtest/gtest.h>
#include <sys/prctl.h>

#include <array>
#include <string_view>

namespace tcp_echo::test {
namespace {

std::string comm() {
  std::array<char, 16> name{};
  ::prctl(PR_GET_NAME, name.data());
  return name.data();
}

/// What the kernel hands to main(): the arguments lie one behind the other, and the title is written over
/// them.
struct CommandLine {
  std::array<char, 32> memory{"tcp-echo-master\0worker\0"};
  std::array<char*, 3> argv{memory.data(), memory.data() + 16, nullptr};
};

// One test: libuv remembers the place of the title for the whole process.
TEST(ProcessTitle, StandsInArgvAndInCommAndLeavesTheArgumentsAsTheyWere) {
  static CommandLine line;
  const auto name_before = comm();
  char** const arguments = prepare_process_title(2, line.argv.data());
  set_process_title("tcp-echo[wrk12]");
  EXPECT_EQ(comm(), "tcp-echo[wrk12]");
  EXPECT_EQ(std::string_view(line.memory.data()), "tcp-echo[wrk12]");
  EXPECT_EQ(std::string_view(arguments[0]), "tcp-echo-master");
  EXPECT_EQ(std::string_view(arguments[1]), "worker");
  ::prctl(PR_SET_NAME, name_before.c_str());
}

}  // namespace
}  // namespace tcp_echo::test
