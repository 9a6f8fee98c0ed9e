// What a test wants to know of a page in Markdown: its links, its headings, its code.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace tcp_echo::test {

/// A block between two lines of ```, as it stands there.
struct CodeBlock {
  std::string language;  ///< "sh"; empty if nothing is said
  std::vector<std::string> lines;
};

struct Page {
  std::filesystem::path path;
  std::vector<std::string> links;  ///< what stands in the round brackets
  std::set<std::string> anchors;   ///< of the headings, as a link would name them
  std::vector<CodeBlock> blocks;   ///< in their order
  std::vector<std::string> inline_code;
};

Page read_page(const std::filesystem::path& path);

/// All pages below a folder, but not what was built, and nothing hidden.
std::vector<Page> read_pages(const std::filesystem::path& root);

}  // namespace tcp_echo::test
