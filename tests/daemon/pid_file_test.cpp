#include "tcp_echo/daemon/pid_file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "support/child.hpp"
#include "support/folder.hpp"
#include "support/sockets.hpp"

namespace tcp_echo::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string content_of(const fs::path& path) {
  std::ifstream stream(path);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::string own_pid() { return std::to_string(::getpid()); }

/// A folder for the file of a test.
class PidFile : public testing::Test {
 protected:
  std::string path() const { return folder_ / "pid"; }
  void write(const std::string& text) const { std::ofstream(path()) << text; }

  /// Fails unless holding the file fails, and for this reason.
  void expect_refused(const std::string& path, const std::string& reason) const {
    const auto file = tcp_echo::PidFile::hold(path);
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().code, ExitCode::kCantCreate);
    EXPECT_EQ(file.error().text, "cannot hold the pid file " + path + ": " + reason);
  }

 private:
  Folder folder_;
};

TEST_F(PidFile, HoldsOwnPidAsOneLine) {
  const auto file = value_or_throw(tcp_echo::PidFile::hold(path()));
  EXPECT_EQ(content_of(path()), own_pid() + "\n");
}

TEST_F(PidFile, IsForEverybodyToReadAndForItsOwnerToWrite) {
  const auto mask_before = ::umask(022);
  const auto file = value_or_throw(tcp_echo::PidFile::hold(path()));
  ::umask(mask_before);
  struct stat status {};
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0644U);
}

TEST_F(PidFile, IsRemovedWithItsOwner) {
  { const auto file = value_or_throw(tcp_echo::PidFile::hold(path())); }
  EXPECT_FALSE(fs::exists(path()));
}

TEST_F(PidFile, StaysWhenItsOwnerMoves) {
  auto first = value_or_throw(tcp_echo::PidFile::hold(path()));
  const auto second = std::move(first);
  EXPECT_EQ(content_of(path()), own_pid() + "\n");
}

TEST_F(PidFile, IsRefusedToAnotherProcessAndNamesTheHolder) {
  const auto file = value_or_throw(tcp_echo::PidFile::hold(path()));
  const auto other = in_child([this] {
    const auto second = tcp_echo::PidFile::hold(path());
    return second ? "holds it as well" : second.error().text;
  });
  EXPECT_EQ(other, "cannot hold the pid file " + path() + ": another instance runs and holds it, process " +
                       own_pid());
  EXPECT_EQ(content_of(path()), own_pid() + "\n") << "the holder's file was touched";
}

TEST_F(PidFile, IsRefusedWhileLockedAlsoBeforeThePidIsWritten) {
  const UniqueFd starting(::open(path().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  ASSERT_EQ(::flock(starting.get(), LOCK_EX | LOCK_NB), 0);
  expect_refused(path(), "another instance runs and holds it");
  EXPECT_TRUE(fs::exists(path()));
}

TEST_F(PidFile, TakesOverWhatADeadProcessLeft) {
  write("4194304999\n");
  const auto file = value_or_throw(tcp_echo::PidFile::hold(path()));
  EXPECT_EQ(content_of(path()), own_pid() + "\n") << "a longer pid shines through";
}

TEST_F(PidFile, TakesOverAPidWithoutALineEnd) {
  write("12345");
  const auto file = value_or_throw(tcp_echo::PidFile::hold(path()));
  EXPECT_EQ(content_of(path()), own_pid() + "\n");
}

TEST_F(PidFile, TakesOverAnEmptyFile) {
  write("");
  const auto file = value_or_throw(tcp_echo::PidFile::hold(path()));
  EXPECT_EQ(content_of(path()), own_pid() + "\n");
}

TEST_F(PidFile, RefusesAFileOfOtherContentAndLeavesItAsItIs) {
  const std::string digits(32, '1');
  for (const auto& text : {std::string("root:x:0:0\n"), std::string("1\n2\n"), std::string("\n"),
                           std::string("-1\n"), std::string("12 \n"), digits, digits + "\n"}) {
    write(text);
    expect_refused(path(), "it holds something else than a pid, and is left as it is");
    EXPECT_EQ(content_of(path()), text);
  }
}

TEST_F(PidFile, RefusesAFolder) {
  fs::create_directory(path());
  expect_refused(path(), "Is a directory");
}

TEST_F(PidFile, RefusesAPipeWithoutWaitingForItsOtherEnd) {
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  expect_refused(path(), "that is no regular file");
  EXPECT_TRUE(fs::is_fifo(path()));
}

TEST_F(PidFile, RefusesADevice) {
  expect_refused("/dev/null", "that is no regular file");
  EXPECT_TRUE(fs::exists("/dev/null"));
}

TEST_F(PidFile, IsNotMadeInAFolderThatIsNotThere) {
  expect_refused(path() + "/pid", "No such file or directory");
}

TEST_F(PidFile, KeepsControlCharactersOfAPathOutOfItsErrors) {
  const auto file = tcp_echo::PidFile::hold(path() + "/two\nlines");
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().text, HasSubstr("two\\nlines: No such file or directory"));
}

TEST_F(PidFile, RemovesWhatItCouldNotWrite) {
  const auto error = in_child([this] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit no_file_grows{.rlim_cur = 0, .rlim_max = 0};
    ::setrlimit(RLIMIT_FSIZE, &no_file_grows);
    const auto file = tcp_echo::PidFile::hold(path());
    return file ? "holds it" : file.error().text;
  });
  EXPECT_THAT(error, HasSubstr("File too large"));
  EXPECT_FALSE(fs::exists(path()));
}

TEST_F(PidFile, LeavesAnotherFileThatTookItsName) {
  {
    const auto file = value_or_throw(tcp_echo::PidFile::hold(path()));
    std::ofstream(path() + ".new") << "somebody else's\n";
    fs::rename(path() + ".new", path());
  }
  EXPECT_EQ(content_of(path()), "somebody else's\n");
}

TEST_F(PidFile, PassesNoDescriptorToAChild) {
  const int fd = next_descriptor();
  const auto file = value_or_throw(tcp_echo::PidFile::hold(path()));
  struct stat opened {};
  struct stat named {};
  ASSERT_EQ(::fstat(fd, &opened), 0);
  ASSERT_EQ(::stat(path().c_str(), &named), 0);
  ASSERT_EQ(opened.st_ino, named.st_ino) << "another descriptor than the file's";
  EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(PidFile, LetsGoOfTheLock) {
  const auto link = path() + ".link";  // the same file, for the name goes
  {
    const auto file = value_or_throw(tcp_echo::PidFile::hold(path()));
    fs::create_hard_link(path(), link);
    const UniqueFd other(::open(link.c_str(), O_RDWR | O_CLOEXEC));
    EXPECT_NE(::flock(other.get(), LOCK_EX | LOCK_NB), 0);
  }
  const UniqueFd other(::open(link.c_str(), O_RDWR | O_CLOEXEC));
  EXPECT_EQ(::flock(other.get(), LOCK_EX | LOCK_NB), 0);
}

TEST_F(PidFile, CanBeHeldAgainAfterwards) {
  { const auto file = value_or_throw(tcp_echo::PidFile::hold(path())); }
  const auto file = value_or_throw(tcp_echo::PidFile::hold(path()));
  EXPECT_EQ(content_of(path()), own_pid() + "\n");
}

}  // namespace
}  // namespace tcp_echo::test
