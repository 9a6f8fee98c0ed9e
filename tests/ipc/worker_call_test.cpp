#include "tcp_echo/ipc/worker_call.hpp"

#include <gtest/gtest.h>

namespace tcp_echo::test {
namespace {

TEST(WorkerCall, IsReadBackAsItWasWritten) {
  const WorkerCall call{1024, kMostListenersOfAWorker};
  auto arguments = to_argv(call);
  arguments.erase(arguments.begin());
  EXPECT_EQ(parse_worker_call(arguments), call);
}

TEST(WorkerCall, PutsTheProgramAndTheLogBehindTheLastListener) {
  EXPECT_EQ((WorkerCall{1, 3}.program_descriptor()), kFirstListenerDescriptor + 3);
  EXPECT_EQ((WorkerCall{1, 3}.log_descriptor()), kFirstListenerDescriptor + 4);
}

TEST(WorkerCall, IsNothingElse) {
  using Arguments = std::vector<std::string>;
  for (const auto& arguments :
       {Arguments{}, Arguments{"worker"}, Arguments{"worker", "0", "1"}, Arguments{"worker", "1025", "1"},
        Arguments{"worker", "1", "65"}, Arguments{"worker", "1", "1", "1"}, Arguments{"admin", "1", "1"}}) {
    EXPECT_EQ(parse_worker_call(arguments), std::nullopt);
  }
}

}  // namespace
}  // namespace tcp_echo::test
