#include "tcp_echo/base/help.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

namespace tcp_echo {
namespace {

constexpr std::size_t kUsualColumns = 80;
constexpr std::size_t kFewestColumns = 40;
constexpr std::size_t kMargin = 2;  ///< before a name, and at least between it and its text

}  // namespace

std::size_t columns_of_output() noexcept {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsualColumns;
  return std::max<std::size_t>(size.ws_col, kFewestColumns);
}

void HelpText::paragraph(std::string_view text) { add_words(text, 0, 0); }

void HelpText::entry(std::string_view name, std::string_view text, std::size_t column) {
  text_.append(kMargin, ' ').append(name);
  auto used = kMargin + name.size();
  if (used + kMargin > column) {
    text_ += '\n';
    used = 0;
  }
  text_.append(column - used, ' ');
  add_words(text, column, column);
}

void HelpText::list(std::string_view heading, std::span<const HelpEntry> entries) {
  std::size_t longest = 0;
  for (const auto& entry : entries) longest = std::max(longest, entry.name.size());
  paragraph(heading);
  for (const auto& each : entries) entry(each.name, each.text, longest + 2 * kMargin);
}

/// So many columns of the line are used; further lines begin with that many spaces.
void HelpText::add_words(std::string_view text, std::size_t used, std::size_t indent) {
  bool is_first = true;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!is_first && used + 1 + word.size() > columns_) {
      text_.append(1, '\n').append(indent, ' ');
      used = indent;
    } else if (!is_first) {
      text_ += ' ';
      ++used;
    }
    text_ += word;
    used += word.size();
    is_first = false;
  }
  text_ += '\n';
}

}  // namespace tcp_echo
