#include "text_table.hpp"

#include <algorithm>
#include <utility>

namespace tcp_echo {

std::string TextTable::take_text() {
  Row titles{{}, Tone::kTitle};
  const bool is_first = widths_.empty();
  if (is_first) {
    for (const auto& column : columns_) {
      titles.cells.emplace_back(column.title);
      widths_.push_back(column.title.size());
    }
  }
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < widths_.size(); ++i)
      widths_[i] = std::max(widths_[i], row.cells.at(i).size());
  auto text = is_first ? line_of(titles) : std::string();
  for (const auto& row : std::exchange(rows_, {})) text += line_of(row);
  return text;
}

std::string TextTable::line_of(const Row& row) const {
  constexpr std::string_view kGap = "  ";
  std::string line;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (i > 0) line += kGap;
    const auto& cell = row.cells.at(i);
    const std::string space(widths_[i] - cell.size(), ' ');
    line += columns_[i].align == Align::kLeft ? cell + space : space + cell;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return style_.in(row.tone, line) + '\n';
}

}  // namespace tcp_echo
