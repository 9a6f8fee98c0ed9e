#include "tcp_echo/base/error.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

namespace tcp_echo {
namespace {

TEST(SystemError, SaysWhatWasAttemptedAndWhyItFailed) {
  const auto error = system_error("accept4 on [::]:8090", EMFILE);
  EXPECT_EQ(error.text, "accept4 on [::]:8090: Too many open files");
  EXPECT_EQ(error.code, ExitCode::kOsError);
}

TEST(SystemError, TellsAMissingPermissionFromOtherErrors) {
  EXPECT_EQ(system_error("bind", EACCES).code, ExitCode::kNoPermission);
  EXPECT_EQ(system_error("setns", EPERM).code, ExitCode::kNoPermission);
  EXPECT_EQ(system_error("bind", EADDRINUSE).code, ExitCode::kOsError);
}

TEST(SystemFailure, IsAFailedResult) {
  const Result<int> result = system_failure("open x", ENOENT);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().text, "open x: No such file or directory");
}

TEST(ValueOrThrow, HandsTheValueOver) {
  EXPECT_EQ(*value_or_throw(Result<std::unique_ptr<int>>(std::make_unique<int>(7))), 7);
  EXPECT_NO_THROW(value_or_throw(Result<void>()));
}

TEST(ValueOrThrow, TurnsAFailureIntoAFatalErrorWithItsCode) {
  try {
    value_or_throw(Result<void>(failure(ExitCode::kUnavailable, "cannot listen")));
    FAIL() << "nothing was thrown";
  } catch (const FatalError& error) {
    EXPECT_EQ(error.code(), ExitCode::kUnavailable);
    EXPECT_STREQ(error.what(), "cannot listen");
  }
}

TEST(ExitCodes, AreThoseThatTheContractNames) {
  EXPECT_EQ(static_cast<int>(ExitCode::kOk), 0);
  EXPECT_EQ(static_cast<int>(ExitCode::kUsage), 64);
  EXPECT_EQ(static_cast<int>(ExitCode::kUnavailable), 69);
  EXPECT_EQ(static_cast<int>(ExitCode::kSoftware), 70);
  EXPECT_EQ(static_cast<int>(ExitCode::kOsError), 71);
  EXPECT_EQ(static_cast<int>(ExitCode::kCantCreate), 73);
  EXPECT_EQ(static_cast<int>(ExitCode::kTemporary), 75);
  EXPECT_EQ(static_cast<int>(ExitCode::kNoPermission), 77);
  EXPECT_EQ(static_cast<int>(ExitCode::kConfig), 78);
}

}  // namespace
}  // namespace tcp_echo
