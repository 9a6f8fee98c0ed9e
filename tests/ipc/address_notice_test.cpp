#include "tcp_echo/ipc/address_notice.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "support/child.hpp"
#include "support/sockets.hpp"
#include "tcp_echo/ipc/role_call.hpp"
#include "tcp_echo/ipc/sealed_text.hpp"

namespace tcp_echo::test {
namespace {

std::vector<Endpoint> own_notice() {
  const auto notices = find_notices(::getpid());
  return notices.empty() ? std::vector<Endpoint>() : notices.front().endpoints;
}

TEST(AddressNotice, IsFoundWhileItIsUpAndSaysWhatItWasGiven) {
  const std::vector<Endpoint> endpoints = {endpoint("127.0.0.1:7"), endpoint("[::]:8090")};
  auto notice = value_or_throw(put_up_notice(endpoints));
  EXPECT_EQ(own_notice(), endpoints);
  notice = value_or_throw(put_up_notice({endpoint("[::1]:9")}));
  EXPECT_EQ(own_notice(), std::vector{endpoint("[::1]:9")});
  notice.reset();
  EXPECT_TRUE(find_notices(::getpid()).empty());
}

TEST(AddressNotice, IsFoundAmongAllProcessesOnceThoughAForkedChildHasItToo) {
  const auto notice = value_or_throw(put_up_notice({endpoint("127.0.0.1:7")}));
  const PipeEnds pipe;
  const pid_t child = fork_with_nothing_unwritten();
  if (child == 0) {
    char byte = 0;
    ::_exit(::read(pipe.reading.get(), &byte, 1) == 1 ? 0 : 1);
  }
  std::size_t found = 0;
  for (const auto& one : find_notices()) {
    if (one.pid == ::getpid() || one.pid == child) ++found;
  }
  EXPECT_EQ(found, 1U);
  EXPECT_EQ(::write(pipe.writing.get(), "x", 1), 1);
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(AddressNotice, OfAnotherNetworkNamespaceIsNotForUs) {
  const PipeEnds ready;
  const PipeEnds enough;
  const pid_t child = fork_with_nothing_unwritten();
  if (child == 0) {
    char byte = ::unshare(CLONE_NEWNET) == 0 ? 'y' : 'n';
    const auto notice = put_up_notice({endpoint("127.0.0.1:7")});
    if (::write(ready.writing.get(), &byte, 1) != 1) ::_exit(1);
    ::_exit(::read(enough.reading.get(), &byte, 1) == 1 ? 0 : 1);
  }
  char is_apart = 0;
  EXPECT_EQ(::read(ready.reading.get(), &is_apart, 1), 1);
  const auto found = find_notices(child).size();
  EXPECT_EQ(::write(enough.writing.get(), "x", 1), 1);
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  if (is_apart == 'n') GTEST_SKIP() << "no network namespace may be made here";
  EXPECT_EQ(found, 0U);
}

TEST(AddressNotice, IsNotLookedForAmongTheManyDescriptorsOfAWorker) {
  const auto notice = value_or_throw(put_up_notice({endpoint("127.0.0.1:7")}));
  const auto is_found = [] {
    const auto all = find_notices();
    return std::any_of(all.begin(), all.end(), [](const auto& one) { return one.pid == ::getpid(); });
  };
  std::array<char, 16> name{};
  ASSERT_EQ(::prctl(PR_GET_NAME, name.data()), 0);
  ASSERT_TRUE(is_found());
  ASSERT_EQ(::prctl(PR_SET_NAME, title_of(kWorkerRole, 1).c_str()), 0);
  EXPECT_FALSE(is_found());
  ASSERT_EQ(::prctl(PR_SET_NAME, name.data()), 0);
}

TEST(AddressNotice, OfAProcessThatIsGoneIsNone) { EXPECT_TRUE(find_notices(0).empty()); }

TEST(AddressNotice, IsNotTakenFromAFileThatMayStillChange) {
  const UniqueFd fd(::memfd_create("tcp-echo-addresses", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::write(fd.get(), "127.0.0.1:7\n", 12), 12);
  EXPECT_TRUE(find_notices(::getpid()).empty());
}

TEST(AddressNotice, IsNotTakenFromAFileThatIsTooLarge) {
  const std::string address = "127.0.0.1:7\n";
  std::string text = address;
  while (text.size() <= (1U << 20)) text += address;
  const auto fd = value_or_throw(seal_text("tcp-echo-addresses", text));
  EXPECT_TRUE(find_notices(::getpid()).empty());
}

TEST(AddressNotice, IsNotInherited) {
  const auto notice = value_or_throw(put_up_notice({endpoint("127.0.0.1:7")}));
  EXPECT_NE(::fcntl(notice.get(), F_GETFD) & FD_CLOEXEC, 0);
}

}  // namespace
}  // namespace tcp_echo::test
