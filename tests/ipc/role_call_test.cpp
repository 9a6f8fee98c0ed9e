#include "tcp_echo/ipc/role_call.hpp"

#include <gtest/gtest.h>

namespace tcp_echo::test {
namespace {

TEST(RoleCall, IsReadBackAsItWasWritten) {
  const RoleCall call{1024, kMostListenersOfAChild};
  auto arguments = to_argv(kWorkerRole, call);
  arguments.erase(arguments.begin());
  EXPECT_EQ(parse_role_call(kWorkerRole, arguments), call);
}

TEST(RoleCall, PutsTheProgramAndTheLogBehindTheLastListener) {
  EXPECT_EQ((RoleCall{1, 3}.program_descriptor()), kFirstListenerDescriptor + 3);
  EXPECT_EQ((RoleCall{1, 3}.log_descriptor()), kFirstListenerDescriptor + 4);
}

TEST(RoleCall, IsNothingElse) {
  using Arguments = std::vector<std::string>;
  for (const auto& arguments :
       {Arguments{}, Arguments{"worker"}, Arguments{"worker", "0", "1"}, Arguments{"worker", "1025", "1"},
        Arguments{"worker", "1", "65"}, Arguments{"worker", "1", "1", "1"}, Arguments{"admin", "1", "1"}}) {
    EXPECT_EQ(parse_role_call(kWorkerRole, arguments), std::nullopt);
  }
}

TEST(RoleCall, NamesTheProcessByItsRoleAndNumber) { EXPECT_EQ(title_of(kWorkerRole, 12), "tcp-echo[wrk12]"); }

}  // namespace
}  // namespace tcp_echo::test
