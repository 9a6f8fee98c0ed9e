#include "text_table.hpp"

#include <algorithm>

namespace tcp_echo {

std::string TextTable::text() const {
  std::vector<std::string> titles;
  std::vector<std::size_t> widths;
  for (const auto& column : columns_) {
    titles.emplace_back(column.title);
    widths.push_back(column.title.size());
  }
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], row.cells.at(i).size());
  auto text = line_of({titles, Tone::kTitle}, widths);
  for (const auto& row : rows_) text += line_of(row, widths);
  return text;
}

std::string TextTable::line_of(const Row& row, const std::vector<std::size_t>& widths) const {
  constexpr std::string_view kGap = "  ";
  std::string line;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (i > 0) line += kGap;
    const auto& cell = row.cells.at(i);
    const std::string space(widths[i] - cell.size(), ' ');
    line += columns_[i].align == Align::kLeft ? cell + space : space + cell;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return style_.in(row.tone, line) + '\n';
}

}  // namespace tcp_echo
