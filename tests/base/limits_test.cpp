#include "tcp_echo/base/limits.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace tcp_echo {
namespace {

/// Puts the limit of this test program back.
class OpenFilesLimit : public testing::Test {
 public:
  OpenFilesLimit() { ::getrlimit(RLIMIT_NOFILE, &before_); }
  ~OpenFilesLimit() override { ::setrlimit(RLIMIT_NOFILE, &before_); }
  OpenFilesLimit(const OpenFilesLimit&) = delete;
  OpenFilesLimit& operator=(const OpenFilesLimit&) = delete;

 protected:
  rlim_t hard_limit() const { return before_.rlim_max; }
  void lower_to(rlim_t soft) const {
    const rlimit low{soft, before_.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  }

 private:
  rlimit before_{};
};

TEST_F(OpenFilesLimit, IsTheSoftOne) {
  lower_to(64);
  EXPECT_EQ(open_files_limit(), 64);
}

TEST_F(OpenFilesLimit, IsRaisedToTheHardOne) {
  lower_to(64);
  raise_open_files_limit();
  rlimit now{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &now), 0);
  EXPECT_EQ(now.rlim_cur, hard_limit());
  EXPECT_EQ(now.rlim_max, hard_limit());
  EXPECT_GT(open_files_limit(), 64);
}

}  // namespace
}  // namespace tcp_echo
