#include "tcp_echo/load/report_place.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "support/child.hpp"
#include "support/folder.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/load/report.hpp"

namespace tcp_echo::test {
namespace {

namespace fs = std::filesystem;

class ReportPlace : public testing::Test {
 protected:
  std::string in_folder(const std::string& name) const { return folder_ / name; }
  void put(const char* name) const { std::ofstream(in_folder(name)) << "text"; }
  auto files() const {
    return std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator());
  }

  /// In a process whose descriptor `fd` leads to that file: what a plan's --json is called in the end.
  static std::string settled(const std::string& json, int fd, const std::string& file) {
    return in_child([&] {
      redirect(fd, file);
      LoadPlan plan;
      plan.json = json;
      value_or_throw(settle_reports(plan));
      return plan.json;
    });
  }

  static void redirect(int fd, const std::string& file) {
    const UniqueFd opened(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    if (!opened || ::dup2(opened.get(), fd) != fd) throw std::runtime_error("dup2");
  }

  static void expect_refused(const std::string& json, const std::string& html) {
    LoadPlan plan;
    plan.json = json;
    plan.html = html;
    const auto result = settle_reports(plan);
    ASSERT_FALSE(result) << json << ", " << html;
    EXPECT_EQ(result.error().code, ExitCode::kUsage);
    EXPECT_EQ(result.error().text, "--html '" + html + "' is where --json '" + json +
                                       "' goes; allowed: a file of its own for each report");
  }

 private:
  Folder folder_;
};

TEST_F(ReportPlace, IsRefusedWhereAnotherReportGoesByTheSameName) {
  expect_refused("-", "-");
  expect_refused(in_folder("new"), in_folder("new"));
}

TEST_F(ReportPlace, IsRefusedWhereAnotherReportGoesByAnotherName) {
  put("file");
  fs::create_symlink("file", in_folder("link"));
  fs::create_hard_link(in_folder("file"), in_folder("hard"));
  fs::create_directory(in_folder("folder"));
  for (const auto* const name : {"./file", "link", "hard", "folder/../file"}) {
    expect_refused(in_folder("file"), in_folder(name));
    expect_refused(in_folder(name), in_folder("file"));
  }
}

TEST_F(ReportPlace, IsRefusedWhereAnotherReportWillMakeTheFile) {
  fs::create_symlink("new", in_folder("link"));
  expect_refused(in_folder("new"), in_folder("./new"));
  expect_refused(in_folder("link"), in_folder("new"));
  EXPECT_EQ(files(), 1) << "nothing was made";
}

TEST_F(ReportPlace, MayBeAnyFileOfItsOwn) {
  put("file");
  fs::create_directory(in_folder("folder"));
  LoadPlan plan;
  plan.json = in_folder("new");
  plan.json_lines = in_folder("folder/new");
  plan.histogram = in_folder("file");
  plan.html = in_folder("missing/new");
  EXPECT_TRUE(settle_reports(plan));
  EXPECT_EQ(plan.json, in_folder("new"));
  EXPECT_EQ(plan.html, in_folder("missing/new"));
  EXPECT_EQ(files(), 2);
}

TEST_F(ReportPlace, IsStandardOutputByWhateverName) {
  put("out");
  fs::create_symlink("out", in_folder("link"));
  for (const auto& name : {std::string("-"), std::string("/dev/stdout"), std::string("/dev/fd/1"),
                           std::string("/proc/self/fd/1"), in_folder("out"), in_folder("link")})
    EXPECT_EQ(settled(name, STDOUT_FILENO, in_folder("out")), "-") << name;
  EXPECT_EQ(settled("/dev/stdout", STDOUT_FILENO, "/dev/null"), "-");
  EXPECT_EQ(settled(in_folder("other"), STDOUT_FILENO, in_folder("out")), in_folder("other"));
}

TEST_F(ReportPlace, ThatLosesWhatItIsGivenIsNobodysOwn) {
  EXPECT_EQ(settled("/dev/null", STDOUT_FILENO, "/dev/null"), "/dev/null") << "so the text stays where it is";
}

/// A descriptor of its own would begin at another place of the file than what is said on standard error.
TEST_F(ReportPlace, InTheFileOfStandardErrorIsPartOfWhatIsSaidThere) {
  const auto file = in_folder("err");
  in_child([&] {
    redirect(STDERR_FILENO, file);
    const auto say = [](const std::string& text) {
      if (::write(STDERR_FILENO, text.data(), text.size()) < 0) throw std::runtime_error("write");
    };
    say("one\n");
    auto lines = value_or_throw(LineReport::open(file));
    say("two\n");
    lines.append("three\n");
    say("four\n");
    value_or_throw(write_report(file, "five\n"));
    say("six\n");
    return std::string();
  });
  std::ifstream stream(file);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(stream), {}), "one\ntwo\nthree\nfour\nfive\nsix\n");
}

TEST_F(ReportPlace, IsCheckedForAStandardOutputThatCanOnlyBeRead) {
  const auto said = in_child([] {
    const UniqueFd opened(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    ::dup2(opened.get(), STDOUT_FILENO);
    const auto checked = check_report("-");
    return checked ? "nothing" : checked.error().text;
  });
  EXPECT_EQ(said, "cannot write to standard output: Bad file descriptor");
}

}  // namespace
}  // namespace tcp_echo::test
