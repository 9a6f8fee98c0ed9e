#include "tcp_echo/base/log.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "support/child.hpp"
#include "support/folder.hpp"

namespace tcp_echo {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;

/// A folder for log files; spdlog's default logger and the environment are put back at the end.
class Log : public testing::Test {
 public:
  Log() : logger_before_(spdlog::default_logger()) {
    if (const char* const stream = std::getenv("JOURNAL_STREAM")) journal_before_ = stream;
  }
  ~Log() override {
    spdlog::set_default_logger(logger_before_);
    journal_before_ ? ::setenv("JOURNAL_STREAM", journal_before_->c_str(), 1) : ::unsetenv("JOURNAL_STREAM");
  }

  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

 protected:
  const fs::path& folder() const { return folder_.path(); }
  std::string path() const { return folder_ / "log"; }

  /// What stands in the file, or in the one that a rotation named with this suffix.
  std::string written(const std::string& suffix = "") const {
    std::ifstream stream(path() + suffix);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  UniqueFd opened() const { return value_or_throw(open_log_file(path())); }

 private:
  test::Folder folder_;
  std::shared_ptr<spdlog::logger> logger_before_;
  std::optional<std::string> journal_before_;
};

TEST_F(Log, LineCarriesTimeLevelNameAndPid) {
  const auto fd = opened();
  set_up_logging("tcp-echo[wrk1]", {spdlog::level::info, true, fd.get()});
  spdlog::warn("{} of {}", 1, 2);
  EXPECT_THAT(written(),
              MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z warning "
                           "tcp-echo\\[wrk1\\] " +
                           std::to_string(::getpid()) + ": 1 of 2\n"));
}

TEST_F(Log, LineHasNoTimeWithoutTimestamps) {
  const auto fd = opened();
  set_up_logging("tcp-echo[mastr]", {spdlog::level::info, false, fd.get()});
  spdlog::error("no");
  EXPECT_EQ(written(), "error tcp-echo[mastr] " + std::to_string(::getpid()) + ": no\n");
}

TEST_F(Log, IsWrittenAtOnce) {
  const auto fd = opened();
  set_up_logging("a", {spdlog::level::info, false, fd.get()});
  spdlog::info("first");
  EXPECT_THAT(written(), HasSubstr("first\n"));
}

TEST_F(Log, LeavesOutWhatIsBelowItsLevel) {
  const auto fd = opened();
  set_up_logging("a", {spdlog::level::warn, false, fd.get()});
  spdlog::info("quiet");
  EXPECT_THAT(written(), IsEmpty());
  set_up_logging("a", {spdlog::level::trace, false, fd.get()});
  spdlog::trace("loud");
  EXPECT_THAT(written(), HasSubstr("loud"));
}

TEST_F(Log, DropsALineThatCannotBeWritten) {
  const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(full);
  set_up_logging("a", {spdlog::level::info, false, full.get()});
  EXPECT_NO_THROW(spdlog::info("lost"));
}

TEST_F(Log, SaysHowManyLinesAFullDiskHasNotTaken) {
  UniqueFd fd(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  set_up_logging("a", {spdlog::level::info, false, fd.get()});
  spdlog::info("lost");
  spdlog::info("lost as well");
  ASSERT_TRUE(replace_log(opened(), fd.get()));
  spdlog::info("taken");
  spdlog::info("and taken");
  const auto begin = " a " + std::to_string(::getpid()) + ": ";
  EXPECT_EQ(written(), "warning" + begin + "log: 2 lines were lost: No space left on device\n" + "info" +
                           begin + "taken\n" + "info" + begin + "and taken\n");
}

TEST_F(Log, SaysHowManyLinesWereLostBecauseNobodyReadIt) {
  const test::PipeEnds pipe;
  ::fcntl(pipe.writing.get(), F_SETPIPE_SZ, 4096);
  set_up_logging("a", {spdlog::level::info, false, pipe.writing.get()});
  ::alarm(20);  // write(2) would wait for a reader for ever
  for (int i = 0; i < 100; ++i) spdlog::info("{:80}", i);
  ::alarm(0);
  std::array<char, 4096> read{};
  const auto size = ::read(pipe.reading.get(), read.data(), read.size());
  const std::string_view taken(read.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  const auto lost = 100 - std::count(taken.begin(), taken.end(), '\n');
  spdlog::info("taken");
  const auto next = ::read(pipe.reading.get(), read.data(), read.size());
  EXPECT_THAT(
      std::string(read.data(), static_cast<std::size_t>(std::max<ssize_t>(next, 0))),
      AllOf(HasSubstr(": log: " + std::to_string(lost) + " lines were lost, because nobody read it\n"),
            HasSubstr(": taken\n")));
}

TEST_F(Log, SaysWhatWasLostWhenItIsSetUpAnew) {
  UniqueFd fd(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  set_up_logging("a", {spdlog::level::info, false, fd.get()});
  spdlog::info("lost");
  ASSERT_TRUE(replace_log(opened(), fd.get()));
  set_up_logging("a", {spdlog::level::err, false, fd.get()});
  EXPECT_THAT(written(), HasSubstr(": log: 1 line was lost: No space left on device\n"));
}

TEST_F(Log, FileIsAppendedTo) {
  std::ofstream(path()) << "old\n";
  const auto first = opened();
  const auto second = opened();
  ASSERT_EQ(::write(first.get(), "one\n", 4), 4);
  ASSERT_EQ(::write(second.get(), "two\n", 4), 4);
  EXPECT_EQ(written(), "old\none\ntwo\n");
}

TEST_F(Log, FileIsNotForEverybodyToRead) {
  const auto fd = opened();
  struct stat status {};
  ASSERT_EQ(::fstat(fd.get(), &status), 0);
  EXPECT_EQ(status.st_mode & 07U, 0U);
  EXPECT_NE(::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(Log, FileThatCannotBeMadeIsNamedInOneLine) {
  const auto fd = open_log_file(folder() / "no\nfolder" / "log");
  ASSERT_FALSE(fd);
  EXPECT_EQ(fd.error().code, ExitCode::kCantCreate);
  EXPECT_EQ(fd.error().text,
            "open the log file " + folder().string() + "/no\\nfolder/log: No such file or directory");
}

TEST_F(Log, FileThatIsAFolderIsRefused) {
  const auto fd = open_log_file(folder());
  ASSERT_FALSE(fd);
  EXPECT_EQ(fd.error().code, ExitCode::kCantCreate);
}

TEST_F(Log, FifoThatNobodyReadsIsRefusedAtOnce) {
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  ::alarm(20);  // open(2) would wait for a reader for ever
  const auto fd = open_log_file(path());
  ::alarm(0);
  ASSERT_FALSE(fd);
  EXPECT_EQ(fd.error().code, ExitCode::kCantCreate);
  EXPECT_EQ(fd.error().text, "open the log file " + path() + ": nobody reads the FIFO");
}

TEST_F(Log, FifoThatSomebodyReadsGetsTheLines) {
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  const UniqueFd reader(::open(path().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  const auto fd = opened();
  set_up_logging("a", {spdlog::level::info, false, fd.get()});
  spdlog::info("through the FIFO");
  std::array<char, 100> line{};
  const auto size = ::read(reader.get(), line.data(), line.size());
  EXPECT_THAT(std::string(line.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))),
              HasSubstr(": through the FIFO\n"));
}

TEST_F(Log, SocketIsNoFifoThatNobodyReads) {
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  path().copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const auto fd = open_log_file(path());
  ASSERT_FALSE(fd);
  EXPECT_THAT(fd.error().text, HasSubstr(": No such device or address"));
}

TEST_F(Log, ReopenedFileGetsTheNextLineAndTheRenamedOneKeepsTheOld) {
  const auto fd = opened();
  set_up_logging("a", {spdlog::level::info, false, fd.get()});
  spdlog::info("before");
  fs::rename(path(), path() + ".1");
  spdlog::info("between");
  ASSERT_TRUE(reopen_log_file(path(), fd.get()));
  spdlog::info("after");
  EXPECT_THAT(written(), AllOf(HasSubstr("after"), Not(HasSubstr("between"))));
  EXPECT_THAT(written(".1"), AllOf(HasSubstr("before"), HasSubstr("between"), Not(HasSubstr("after"))));
}

TEST_F(Log, ReopenedDescriptorIsStillAppendedToAndNotInherited) {
  const auto fd = opened();
  fs::rename(path(), path() + ".1");
  std::ofstream(path()) << "made by the rotation\n";
  ASSERT_TRUE(reopen_log_file(path(), fd.get()));
  EXPECT_NE(::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_NE(::fcntl(fd.get(), F_GETFL) & O_APPEND, 0);
  ASSERT_EQ(::write(fd.get(), "ours\n", 5), 5);
  EXPECT_EQ(written(), "made by the rotation\nours\n");
}

TEST_F(Log, ReopeningLeavesNoDescriptorBehind) {
  const auto fd = opened();
  const UniqueFd free(::dup(fd.get()));
  const int next = free.get() + 1;
  ASSERT_TRUE(reopen_log_file(path(), fd.get()));
  EXPECT_EQ(UniqueFd(::dup(fd.get())).get(), next);
}

TEST_F(Log, FileThatCannotBeReopenedIsNamedAndTheOldOneGoesOn) {
  fs::create_directory(folder() / "gone");
  const auto fd = value_or_throw(open_log_file(folder() / "gone" / "log"));
  fs::rename(folder() / "gone" / "log", path());
  fs::remove(folder() / "gone");
  const auto reopened = reopen_log_file(folder() / "gone" / "log", fd.get());
  ASSERT_FALSE(reopened);
  EXPECT_EQ(reopened.error().code, ExitCode::kCantCreate);
  EXPECT_EQ(reopened.error().text,
            "open the log file " + folder().string() + "/gone/log: No such file or directory");
  set_up_logging("a", {spdlog::level::info, false, fd.get()});
  spdlog::info("still here");
  EXPECT_THAT(written(), HasSubstr("still here"));
}

TEST_F(Log, CannotBeReopenedInPlaceOfNothing) {
  const auto reopened = reopen_log_file(path(), -1);
  ASSERT_FALSE(reopened);
  EXPECT_EQ(reopened.error().text, "change the log: Bad file descriptor");
}

TEST_F(Log, GoesToTheJournalWhereDeviceAndInodeSaySo) {
  const auto fd = opened();
  struct stat status {};
  ASSERT_EQ(::fstat(fd.get(), &status), 0);
  const auto stream = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
  ::setenv("JOURNAL_STREAM", stream.c_str(), 1);
  EXPECT_TRUE(goes_to_journal(fd.get()));
  ::setenv("JOURNAL_STREAM", (stream + "0").c_str(), 1);
  EXPECT_FALSE(goes_to_journal(fd.get()));
  ::setenv("JOURNAL_STREAM", "", 1);
  EXPECT_FALSE(goes_to_journal(fd.get()));
}

TEST_F(Log, GoesNowhereNearTheJournalWithoutSystemd) {
  ::unsetenv("JOURNAL_STREAM");
  EXPECT_FALSE(goes_to_journal(2));
}

TEST_F(Log, GoesNotToTheJournalThroughAClosedDescriptor) {
  ::setenv("JOURNAL_STREAM", "1:2", 1);
  EXPECT_FALSE(goes_to_journal(-1));
}

}  // namespace
}  // namespace tcp_echo
