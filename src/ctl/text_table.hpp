// Columns for eyes: as wide as what stands in them. A long table can be had in portions, as its rows come; a
// column that must grow on the way does so from there on. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "style.hpp"

namespace tcp_echo {

class TextTable {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string_view title;
    Align align = Align::kRight;
  };

  TextTable(std::vector<Column> columns, Style style) : columns_(std::move(columns)), style_(style) {}

  /// As many cells as there are columns, of ASCII.
  void add(std::vector<std::string> cells, Tone tone = Tone::kPlain) {
    rows_.push_back({std::move(cells), tone});
  }

  /// The titles, the first time, and the rows that were added since the last; each with a newline.
  std::string take_text();

 private:
  struct Row {
    std::vector<std::string> cells;
    Tone tone;
  };
  std::string line_of(const Row& row) const;

  std::vector<Column> columns_;
  std::vector<Row> rows_;
  std::vector<std::size_t> widths_;  ///< none before the titles have been taken
  Style style_;
};

}  // namespace tcp_echo
