// Who may use whom: the table of modules in docs/architecture.md, what the build links, and what the sources
// include say the same.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace tcp_echo::test {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = TCP_ECHO_SOURCE;

using Names = std::set<std::string>;
using Uses = std::map<std::string, Names>;  ///< by module

std::vector<std::string> lines_of(const fs::path& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

/// What stands in `code`.
Names names_in(const std::string& cell) {
  Names names;
  std::istringstream parts(cell);
  for (std::string outside, name; std::getline(parts, outside, '`') && std::getline(parts, name, '`');)
    names.insert(name);
  return names;
}

/// Rows "| `module` | holds | may use |".
Uses table_of_modules() {
  Uses table;
  bool is_in_section = false;
  for (const auto& line : lines_of(kSource / "docs/architecture.md")) {
    if (line.rfind("## ", 0) == 0) is_in_section = line == "## Modules";
    if (!is_in_section || line.rfind("| `", 0) != 0) continue;
    const auto name = line.substr(3, line.find('`', 3) - 3);
    const bool is_module = name.find('.') == std::string::npos;  // not main.cpp
    if (is_module) table[name] = names_in(line.substr(line.rfind('|', line.size() - 2)));
  }
  return table;
}

/// Of the calls tcp_echo_module(NAME SOURCES ... USES tcp_echo_X...).
Uses linked_modules() {
  Uses linked;
  std::ostringstream all;
  all << std::ifstream(kSource / "src/CMakeLists.txt").rdbuf();
  const std::string call = "\ntcp_echo_module(";
  const auto text = all.str();
  for (auto begin = text.find(call); begin != std::string::npos; begin = text.find(call, begin + 1)) {
    std::istringstream words(text.substr(begin + call.size(), text.find(')', begin) - begin - call.size()));
    std::string module;
    words >> module;
    auto& uses = linked[module];
    const std::string prefix = "tcp_echo_";
    for (std::string word; words >> word;) {
      if (word.rfind(prefix, 0) == 0) uses.insert(word.substr(prefix.size()));
    }
  }
  return linked;
}

/// Those of modules: "tcp_echo/base/text.hpp".
std::vector<fs::path> headers_included_by(const fs::path& file) {
  const std::string begin = "#include \"tcp_echo/";
  std::vector<fs::path> headers;
  for (const auto& line : lines_of(file)) {
    const auto end = line.rfind('"');
    if (line.rfind(begin, 0) == 0 && line.find('/', begin.size()) < end)
      headers.emplace_back(line.substr(begin.find('"') + 1, end - begin.find('"') - 1));
  }
  return headers;
}

/// The modules whose headers the file includes.
Names included_by(const fs::path& file) {
  Names modules;
  for (const auto& header : headers_included_by(file)) modules.insert(header.parent_path().filename());
  return modules;
}

std::vector<fs::path> files_of(const std::string& module) {
  std::vector<fs::path> files;
  for (const auto* tree : {"src", "include/tcp_echo"}) {
    for (const auto& entry : fs::recursive_directory_iterator(kSource / tree / module)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
  }
  return files;
}

TEST(Modules, StandInTheTableOfTheirPage) {
  Names folders;
  for (const auto& entry : fs::directory_iterator(kSource / "src")) {
    if (entry.is_directory()) folders.insert(entry.path().filename());
  }
  Names rows;
  for (const auto& [module, uses] : table_of_modules()) rows.insert(module);
  EXPECT_EQ(rows, folders);
}

TEST(Modules, AreLinkedWithWhatTheTableAllows) { EXPECT_EQ(linked_modules(), table_of_modules()); }

TEST(Modules, IncludeWhatTheTableAllows) {
  std::size_t includes = 0;
  for (auto& [module, allowed] : table_of_modules()) {
    for (const auto& file : files_of(module)) {
      for (const auto& included : included_by(file)) {
        EXPECT_TRUE(included == module || allowed.count(included) == 1)
            << file << " includes a header of " << included << ", which " << module << " may not use";
        ++includes;
      }
    }
  }
  EXPECT_GT(includes, 100U) << "was anything read?";
}

/// A header that only its own module uses stands beside its source.
TEST(Modules, ShowOthersNoMoreThanThoseInclude) {
  std::set<fs::path> faces;
  for (const auto& entry : fs::recursive_directory_iterator(kSource / "include/tcp_echo")) {
    if (entry.is_regular_file()) faces.insert(entry.path().lexically_relative(kSource / "include"));
  }
  std::vector<fs::path> next;
  for (const auto& entry : fs::recursive_directory_iterator(kSource / "src")) {
    if (!entry.is_regular_file()) continue;
    const auto module = entry.path().parent_path().filename().string();
    for (const auto& header : headers_included_by(entry.path())) {
      if (header.parent_path().filename() != module) next.push_back(header);
    }
  }
  while (!next.empty()) {
    const auto header = next.back();
    next.pop_back();
    if (faces.erase(header) == 0) continue;
    for (const auto& included : headers_included_by(kSource / "include" / header)) next.push_back(included);
  }
  EXPECT_TRUE(faces.empty()) << *faces.begin() << " is used by no other module";
}

}  // namespace
}  // namespace tcp_echo::test
