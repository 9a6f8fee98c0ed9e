// Links lead somewhere: in the source, and in what `cmake --install` makes of it, where there is less.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>

#include "documents/markdown.hpp"
#include "support/folder.hpp"

namespace tcp_echo::test {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = TCP_ECHO_SOURCE;

struct Link {
  std::string text;
  fs::path file;
  std::string anchor;
};

/// Those of a page that do not lead to another site.
std::vector<Link> links_of(const Page& page) {
  std::vector<Link> links;
  for (const auto& text : page.links) {
    if (text.find("://") != std::string::npos) continue;
    const auto hash = std::min(text.find('#'), text.size());
    const auto file = hash == 0 ? page.path : page.path.parent_path() / text.substr(0, hash);
    links.push_back({text, file.lexically_normal(), text.substr(std::min(hash + 1, text.size()))});
  }
  return links;
}

bool has_heading(const Link& link) {
  return link.anchor.empty() || read_page(link.file).anchors.count(link.anchor) == 1;
}

void expect_no_dead_link(const fs::path& root, std::size_t links_at_least) {
  std::size_t count = 0;
  for (const auto& page : read_pages(root)) {
    for (const auto& link : links_of(page)) {
      const auto where = page.path.lexically_relative(root).string() + " links " + link.text + ", ";
      EXPECT_EQ(link.file.string().rfind(root.string() + '/', 0), 0U) << where << "which leads outside";
      EXPECT_TRUE(fs::exists(link.file)) << where << "and there is no such file";
      EXPECT_TRUE(has_heading(link)) << where << "and there is no such heading";
      ++count;
    }
  }
  EXPECT_GE(count, links_at_least) << "was anything read?";
}

void expect_readme_leads_everywhere(const fs::path& root) {
  std::set<fs::path> reached;
  std::vector<fs::path> next{root / "README.md"};
  while (!next.empty()) {
    const auto path = next.back();
    next.pop_back();
    if (path.extension() != ".md" || !reached.insert(path).second) continue;
    for (const auto& link : links_of(read_page(path))) next.push_back(link.file);
  }
  for (const auto& page : read_pages(root))
    EXPECT_EQ(reached.count(page.path), 1U) << "nothing leads from README.md to " << page.path;
}

TEST(Documents, HaveNoDeadLink) {
  if (!fs::exists(kSource / ".dockerignore"))
    GTEST_SKIP() << "this is the part of the source that .dockerignore lets into an image";
  expect_no_dead_link(kSource, 100);
}

/// "fleet/slot.cpp" of a module, or the path of another file of ours.
bool is_a_file(const std::string& name) {
  const auto trees = {"", "src", "include/tcp_echo", "tests"};
  return std::any_of(trees.begin(), trees.end(),
                     [&name](const auto* tree) { return fs::exists(kSource / tree / name); });
}

TEST(Documents, NameOnlySourcesThatThereAre) {
  std::size_t count = 0;
  for (const auto& page : read_pages(kSource)) {
    for (const auto& code : page.inline_code) {
      const bool is_source = code.find('/') != std::string::npos && code.find("/X/") == std::string::npos &&
                             code.find_first_of(" *") == std::string::npos &&
                             (code.ends_with(".cpp") || code.ends_with(".hpp"));
      if (!is_source) continue;
      EXPECT_TRUE(is_a_file(code)) << page.path << " names " << code;
      ++count;
    }
  }
  EXPECT_GT(count, 10U) << "was anything read?";
}

TEST(Documents, AreReachedFromTheReadme) { expect_readme_leads_everywhere(kSource); }

TEST(InstalledDocuments, HaveNoDeadLinkAndAreReachedFromTheReadme) {
  const Folder folder;
  const auto install = "DESTDIR='" + folder.path().string() +
                       "' '" TCP_ECHO_CMAKE "' --install '" TCP_ECHO_BUILD
                       "' --prefix /usr --component documentation > '" +
                       (folder / "log").string() + "' 2>&1";
  ASSERT_EQ(std::system(install.c_str()), 0) << install;
  const auto root = folder.path() / "usr/share/doc/tcp-echo";
  for (const auto* const file : {"README.md", "LICENSE", "docs/operating.md", "examples/tcp-echo.toml"})
    EXPECT_TRUE(fs::exists(root / file)) << file;
  expect_no_dead_link(root, 50);
  expect_readme_leads_everywhere(root);
}

}  // namespace
}  // namespace tcp_echo::test
