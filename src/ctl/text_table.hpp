// Columns for eyes: as wide as what stands in them. Pure.
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

  /// The titles and the rows, each with a newline.
  std::string text() const;

 private:
  struct Row {
    std::vector<std::string> cells;
    Tone tone;
  };
  std::string line_of(const Row& row, const std::vector<std::size_t>& widths) const;

  std::vector<Column> columns_;
  std::vector<Row> rows_;
  Style style_;
};

}  // namespace tcp_echo
