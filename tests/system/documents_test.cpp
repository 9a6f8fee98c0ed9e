// The examples in the documents are run, and print what stands there.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "documents/markdown.hpp"
#include "support/folder.hpp"
#include "support/replaced.hpp"
#include "system/daemon.hpp"
#include "system/service.hpp"

namespace tcp_echo::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const fs::path kSource = TCP_ECHO_SOURCE;

/// Where the documents have the file that they show.
constexpr auto kShownFolder = "/etc/tcp-echo";

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// A line of a block that begins with "$ ", and what the document says that it prints: "..." stands for any
/// lines.
struct Example {
  std::string command;
  std::vector<std::string> shown;
};

std::vector<Example> examples_in(const Page& page) {
  std::vector<Example> examples;
  for (const auto& block : page.blocks) {
    bool is_example = false;
    for (const auto& line : block.lines) {
      if (line.rfind("$ ", 0) == 0) {
        is_example = line.find("tcp-echo-master") != std::string::npos;
        if (is_example) examples.push_back({line.substr(2), {}});
      } else if (is_example) {
        examples.back().shown.push_back(line);
      }
    }
  }
  return examples;
}

using Line = std::vector<std::string>::const_iterator;

bool is_shown_by(Line shown, Line shown_end, Line printed, Line printed_end) {
  if (shown == shown_end) return printed == printed_end;
  if (*shown != "...")
    return printed != printed_end && *printed == *shown &&
           is_shown_by(shown + 1, shown_end, printed + 1, printed_end);
  for (;; ++printed) {
    if (is_shown_by(shown + 1, shown_end, printed, printed_end)) return true;
    if (printed == printed_end) return false;
  }
}

/// Writes the configuration that a page shows, if it shows one.
bool write_configuration_of(const Page& page, const fs::path& file) {
  const auto block = std::find_if(page.blocks.begin(), page.blocks.end(),
                                  [](const CodeBlock& candidate) { return candidate.language == "toml"; });
  if (block == page.blocks.end()) return false;
  std::ofstream stream(file);
  for (const auto& line : block->lines) stream << line << '\n';
  return true;
}

/// What a shell prints, in a folder in which the program is found and that is shown as kShownFolder.
std::string printed_by(const std::string& command, const fs::path& folder) {
  Launch launch;
  launch.folder = folder.string();
  launch.prefix = {"/bin/sh", "-c", R"(PATH="${1%/*}:$PATH"; exec 2>&1; )" + command, "sh"};
  return replaced(run(std::move(launch)).output, folder.string(), kShownFolder);
}

TEST(Documents, ShowWhatTheProgramPrints) {
  std::size_t count = 0;
  for (const auto* const name : {"README.md", "docs/configuration.md"}) {
    const auto page = read_page(kSource / name);
    const Folder scratch;
    const auto folder = write_configuration_of(page, scratch / "tcp-echo.toml") ? scratch.path() : kSource;
    for (const auto& [command, shown] : examples_in(page)) {
      const auto printed = lines_of(printed_by(command, folder));
      EXPECT_TRUE(is_shown_by(shown.begin(), shown.end(), printed.begin(), printed.end()))
          << name << " does not show what this prints: " << command << '\n'
          << testing::PrintToString(printed);
      ++count;
    }
  }
  EXPECT_GE(count, 5U) << "was anything read?";
}

TEST(Documents, ShowWhatAReloadThatFailsSays) {
  const auto page = read_page(kSource / "docs/operating.md");
  std::string shown;
  for (const auto& block : page.blocks) {
    if (block.lines.front().rfind("reload failed: ", 0) == 0) shown = block.lines.front();
  }
  ASSERT_NE(shown, "");
  Service service;
  ASSERT_TRUE(service.daemon().is_serving());
  service.configure("# the first line\nworkers = \"lots\"\n");
  ASSERT_TRUE(service.fails_to_reload());
  const auto shown_file = std::string(kShownFolder) + "/tcp-echo.toml";
  EXPECT_THAT(replaced(service.daemon().log(), service.file("echo.toml"), shown_file), HasSubstr(shown));
}

}  // namespace
}  // namespace tcp_echo::test
