#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/child.hpp"
#include "support/folder.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/load/report.hpp"

namespace tcp_echo::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string all_of(const fs::path& path) {
  std::ifstream stream(path);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// A folder for the reports of a test.
class WriteReport : public testing::Test {
 protected:
  std::string in_folder(const char* name) const { return folder_ / name; }
  void put(const char* name, const std::string& text) const { std::ofstream(in_folder(name)) << text; }
  auto files() const {
    return std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator());
  }

  /// Fails unless writing there fails, and for this reason.
  static void expect_failure(const std::string& path, const std::string& reason) {
    const auto written = write_report(path, "text");
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, ExitCode::kCantCreate);
    EXPECT_EQ(written.error().text, "cannot write the report " + path + ": " + reason);
  }

 private:
  Folder folder_;
};

TEST_F(WriteReport, MakesANewFile) {
  ASSERT_TRUE(write_report(in_folder("new"), "the report\n"));
  EXPECT_EQ(all_of(in_folder("new")), "the report\n");
  EXPECT_EQ(files(), 1);
}

TEST_F(WriteReport, ObeysTheUmask) {
  const auto before = ::umask(027);
  const auto written = write_report(in_folder("new"), "text");
  ::umask(before);
  ASSERT_TRUE(written);
  EXPECT_EQ(fs::status(in_folder("new")).permissions(), fs::perms(0640));
}

TEST_F(WriteReport, ReplacesAFileAsAWhole) {
  put("old", "a text that is longer than the new one");
  std::ifstream reader(in_folder("old"));
  ASSERT_TRUE(write_report(in_folder("old"), "short"));
  EXPECT_EQ(all_of(in_folder("old")), "short");
  EXPECT_EQ(files(), 1);
  // Who was reading the old one still does.
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(reader), {}),
            "a text that is longer than the new one");
}

TEST_F(WriteReport, KeepsThePermissionsOfTheFile) {
  put("old", "text");
  fs::permissions(in_folder("old"), fs::perms(0604));
  ASSERT_TRUE(write_report(in_folder("old"), "new"));
  EXPECT_EQ(fs::status(in_folder("old")).permissions(), fs::perms(0604));
}

TEST_F(WriteReport, ReplacesWhatASymbolicLinkPointsTo) {
  put("file", "old");
  fs::create_symlink("file", in_folder("link"));
  ASSERT_TRUE(write_report(in_folder("link"), "new"));
  EXPECT_TRUE(fs::is_symlink(in_folder("link")));
  EXPECT_EQ(all_of(in_folder("file")), "new");
}

TEST_F(WriteReport, WritesIntoAPipe) {
  const auto path = in_folder("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const std::string text(200'000, 'x');  // more than fits into it
  auto reader = std::async(std::launch::async, [&path] { return all_of(path); });
  EXPECT_TRUE(write_report(path, text));
  EXPECT_EQ(reader.get(), text);
  EXPECT_TRUE(fs::is_fifo(path));
}

TEST_F(WriteReport, AppendsToAFileThatIsOpenAlready) {
  put("log", "a line\n");
  const UniqueFd log(::open(in_folder("log").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  ASSERT_TRUE(write_report("/dev/fd/" + std::to_string(log.get()), "the report\n"));
  EXPECT_EQ(all_of(in_folder("log")), "a line\nthe report\n");
}

TEST_F(WriteReport, WritesToStandardOutputForADash) {
  put("out", "");
  const UniqueFd out(::open(in_folder("out").c_str(), O_WRONLY | O_CLOEXEC));
  const UniqueFd before(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
  ASSERT_EQ(::dup2(out.get(), STDOUT_FILENO), STDOUT_FILENO);
  const auto written = write_report("-", "the report\n");
  ASSERT_EQ(::dup2(before.get(), STDOUT_FILENO), STDOUT_FILENO);
  ASSERT_TRUE(written);
  EXPECT_EQ(all_of(in_folder("out")), "the report\n");
}

TEST_F(WriteReport, WaitsForRoomInAPipeThatDoesNotBlock) {
  PipeEnds pipe;
  ASSERT_EQ(::fcntl(pipe.writing.get(), F_SETFL, O_NONBLOCK), 0);
  const std::string text(200'000, 'x');
  const UniqueFd before(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
  ASSERT_EQ(::dup2(pipe.writing.get(), STDOUT_FILENO), STDOUT_FILENO);
  pipe.writing.reset();
  auto reader = std::async(std::launch::async, [&pipe] { return read_to_end(pipe.reading); });
  const auto written = write_report("-", text);
  ASSERT_EQ(::dup2(before.get(), STDOUT_FILENO), STDOUT_FILENO);
  EXPECT_TRUE(written);
  EXPECT_EQ(reader.get(), text);
}

TEST_F(WriteReport, FailsWhereThereIsNoRoom) { expect_failure("/dev/full", "No space left on device"); }

TEST_F(WriteReport, FailsWhereThereIsNoFolder) {
  expect_failure(in_folder("missing/report"), "No such file or directory");
}

TEST_F(WriteReport, FailsForAFolder) {
  fs::create_directory(in_folder("folder"));
  expect_failure(in_folder("folder"), "Is a directory");
}

TEST_F(WriteReport, LeavesTheOldFileWhereTheNewOneCannotBeWritten) {
  put("old", "old");
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  struct rlimit small = before;
  small.rlim_cur = 2;
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto written = write_report(in_folder("old"), "a longer text");
  ::setrlimit(RLIMIT_FSIZE, &before);
  static_cast<void>(std::signal(SIGXFSZ, handler));
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().text, HasSubstr("File too large"));
  EXPECT_EQ(all_of(in_folder("old")), "old");
  EXPECT_EQ(files(), 1);
}

TEST_F(WriteReport, IsCheckedWithoutAChange) {
  put("old", "text");
  for (const auto* const name : {"old", "new"}) EXPECT_TRUE(check_report(in_folder(name))) << name;
  for (const auto* const name : {"-", "/dev/null", "/dev/stderr", "in-this-folder"})
    EXPECT_TRUE(check_report(name)) << name;
  EXPECT_EQ(all_of(in_folder("old")), "text");
  EXPECT_EQ(files(), 1);
}

TEST_F(WriteReport, IsCheckedForWhatWouldFail) {
  put("file", "");
  fs::create_directory(in_folder("folder"));
  for (const auto* const name : {"folder", "missing/new", "file/new"}) {
    const auto path = in_folder(name);
    const auto checked = check_report(path);
    ASSERT_FALSE(checked) << path;
    EXPECT_EQ(checked.error().code, ExitCode::kCantCreate);
    EXPECT_THAT(checked.error().text, HasSubstr(path));
    EXPECT_FALSE(write_report(path, "text")) << path;
  }
}

TEST_F(WriteReport, LineByLineCanBeFollowed) {
  put("lines", "of another run\n");
  auto lines = LineReport::open(in_folder("lines"));
  ASSERT_TRUE(lines);
  EXPECT_EQ(all_of(in_folder("lines")), "");
  lines->append("one\n");
  EXPECT_EQ(all_of(in_folder("lines")), "one\n");
  lines->append("two\n");
  EXPECT_EQ(all_of(in_folder("lines")), "one\ntwo\n");
  EXPECT_TRUE(lines->status());
}

TEST_F(WriteReport, LineByLineRemembersWhatFailed) {
  auto lines = LineReport::open("/dev/full");
  ASSERT_TRUE(lines);
  lines->append("one\n");
  lines->append("two\n");
  ASSERT_FALSE(lines->status());
  EXPECT_EQ(lines->status().error().code, ExitCode::kCantCreate);
  EXPECT_THAT(lines->status().error().text, HasSubstr("/dev/full"));
  EXPECT_FALSE(LineReport::open(in_folder("missing/lines")));
}

TEST_F(WriteReport, LineByLineAppendsToAFileThatIsOpenAlready) {
  put("log", "a line\n");
  const UniqueFd log(::open(in_folder("log").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  auto lines = LineReport::open("/dev/fd/" + std::to_string(log.get()));
  ASSERT_TRUE(lines);
  lines->append("one\n");
  EXPECT_EQ(all_of(in_folder("log")), "a line\none\n");
}

TEST_F(WriteReport, LineByLineGoesToStandardOutputForADash) {
  PipeEnds pipe;
  const UniqueFd before(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
  ASSERT_EQ(::dup2(pipe.writing.get(), STDOUT_FILENO), STDOUT_FILENO);
  pipe.writing.reset();
  {
    auto lines = LineReport::open("-");
    if (lines) lines->append("one\n");
  }
  ASSERT_EQ(::dup2(before.get(), STDOUT_FILENO), STDOUT_FILENO);
  EXPECT_EQ(read_to_end(pipe.reading), "one\n");
}

TEST_F(WriteReport, LineByLineKeepsWhatASymbolicLinkPointsTo) {
  put("file", "old\n");
  fs::create_symlink("file", in_folder("link"));
  auto lines = LineReport::open(in_folder("link"));
  ASSERT_TRUE(lines);
  lines->append("new\n");
  EXPECT_TRUE(fs::is_symlink(in_folder("link")));
  EXPECT_EQ(all_of(in_folder("file")), "new\n");
}

TEST_F(WriteReport, LeavesASymbolicLinkToNothingALink) {
  fs::create_symlink("new", in_folder("link"));
  ASSERT_TRUE(write_report(in_folder("link"), "text"));
  EXPECT_TRUE(fs::is_symlink(in_folder("link")));
  EXPECT_EQ(all_of(in_folder("new")), "text");
}

/// "yes" or "no" to each question as an ordinary user, whom permissions stop.
template <class Questions>
std::string as_nobody(Questions questions) {
  return in_child([&questions] {
    if (::geteuid() == 0 && ::setuid(kNobody) != 0) throw std::runtime_error("setuid");
    std::string answers;
    for (const bool answer : questions()) answers += answer ? "yes " : "no ";
    return answers;
  });
}

TEST_F(WriteReport, IsCheckedForTheFolderThatTakesTheNewFile) {
  put("writable", "old");
  fs::permissions(in_folder("writable"), fs::perms(0666));
  fs::permissions(in_folder("."), fs::perms(0555));
  const auto answers = as_nobody([this]() -> std::vector<bool> {
    const auto old = in_folder("writable");
    const auto another = in_folder("new");
    return {check_report(old).has_value(), write_report(old, "text").has_value(),
            check_report(another).has_value(), write_report(another, "text").has_value()};
  });
  fs::permissions(in_folder("."), fs::perms(0755));
  EXPECT_EQ(answers, "no no no no ");
  EXPECT_EQ(all_of(in_folder("writable")), "old");
}

TEST_F(WriteReport, MayReplaceAFileThatIsReadOnly) {
  put("readonly", "old");
  fs::permissions(in_folder("readonly"), fs::perms(0444));
  fs::permissions(in_folder("."), fs::perms(0777));
  const auto answers = as_nobody([this]() -> std::vector<bool> {
    const auto path = in_folder("readonly");
    return {check_report(path).has_value(), write_report(path, "new").has_value()};
  });
  EXPECT_EQ(answers, "yes yes ");
  EXPECT_EQ(all_of(in_folder("readonly")), "new");
}

TEST_F(WriteReport, IsCheckedForPermissionOnWhatIsNoFile) {
  const auto path = in_folder("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0444), 0);
  ASSERT_EQ(::chmod(path.c_str(), 0444), 0);
  fs::permissions(in_folder("."), fs::perms(0777));
  EXPECT_EQ(as_nobody([&path]() -> std::vector<bool> { return {check_report(path).has_value()}; }), "no ");
}

}  // namespace
}  // namespace tcp_echo::test
