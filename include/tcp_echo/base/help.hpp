// What a program says of itself, laid out in 80 columns, or as many as the terminal has.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace tcp_echo {

/// What --help, README and man pages list: a signal or an exit code, and what it means. Plain text, one
/// sentence without a full stop.
struct HelpEntry {
  std::string_view name;
  std::string_view text;
};

/// Columns of the terminal that standard output is, 40 at least; 80 if it is none, or does not say (see
/// TIOCGWINSZ, ioctl_tty(2)).
std::size_t columns_of_output() noexcept;

/// Breaks lines between words. A word that is longer than a line stands alone on one.
class HelpText {
 public:
  explicit HelpText(std::size_t columns) : columns_(columns) {}

  void paragraph(std::string_view text);
  void blank_line() { text_ += '\n'; }
  /// A name, and its text from that column on, also where it goes on in further lines. A name that leaves no
  /// gap before the text has a line for itself.
  void entry(std::string_view name, std::string_view text, std::size_t column);
  /// Under a heading, with the column that the longest name asks for.
  void list(std::string_view heading, std::span<const HelpEntry> entries);

  const std::string& text() const noexcept { return text_; }

 private:
  void add_words(std::string_view text, std::size_t used, std::size_t indent);

  std::size_t columns_;
  std::string text_;
};

}  // namespace tcp_echo
