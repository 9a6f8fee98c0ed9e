#include "documents/markdown.hpp"

#include <cctype>
#include <regex>
#include <sstream>

#include "support/document.hpp"

namespace tcp_echo::test {
namespace {

/// As forges make them: small letters, a dash for a space, nothing else but letters, digits, dashes and
/// underscores.
std::string anchor_of(const std::string& heading) {
  std::string anchor;
  for (const char c : heading) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == ' ')
      anchor += '-';
    else if (std::isalnum(byte) != 0 || c == '-' || c == '_' || byte >= 0x80)
      anchor += static_cast<char>(std::tolower(byte));
  }
  return anchor;
}

/// Each first group, in their order.
std::vector<std::string> all_matches(const std::string& text, const std::regex& pattern) {
  std::vector<std::string> found;
  for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end; ++match)
    found.push_back((*match)[1]);
  return found;
}

}  // namespace

Page read_page(const std::filesystem::path& path) {
  Page page{path, {}, {}, {}, {}};
  std::string prose;
  bool is_code = false;
  std::istringstream document(read_document(path.string()));
  for (std::string line; std::getline(document, line);) {
    if (line.find("```") < 3) {  // may be indented, in a list
      is_code = !is_code;
      if (is_code) page.blocks.push_back({line.substr(line.find("```") + 3), {}});
    } else if (is_code) {
      page.blocks.back().lines.push_back(line);
    } else {
      static const std::regex heading_line("^#+ (.*)$");
      std::smatch heading;
      if (std::regex_match(line, heading, heading_line)) page.anchors.insert(anchor_of(heading[1]));
      prose += line + '\n';
    }
  }
  static const std::regex code_span("`([^`]+)`");
  static const std::regex link(R"(\[[^\]]*\]\(([^)\s]+)\))");
  page.inline_code = all_matches(prose, code_span);
  page.links = all_matches(std::regex_replace(prose, code_span, ""), link);
  return page;
}

std::vector<Page> read_pages(const std::filesystem::path& root) {
  std::vector<Page> pages;
  std::filesystem::recursive_directory_iterator entry(root);
  for (const auto end = std::filesystem::end(entry); entry != end; ++entry) {
    const auto name = entry->path().filename().string();
    if (entry->is_directory() && (name.front() == '.' || entry->path() == root / "build"))
      entry.disable_recursion_pending();
    else if (entry->path().extension() == ".md")
      pages.push_back(read_page(entry->path()));
  }
  return pages;
}

}  // namespace tcp_echo::test
