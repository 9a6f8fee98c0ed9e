// Parts of documents that are made from tables of the code. They stand between <!-- NAME --> and
// <!-- /NAME -->, and a test compares them; run with ECHO_TEST_WRITE=1 it writes them anew.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <span>
#include <string>

#include "tcp_echo/base/help.hpp"

namespace tcp_echo::test {

inline std::string read_document(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline bool writes_documents() { return std::getenv("ECHO_TEST_WRITE") != nullptr; }

inline void expect_document_is(const std::string& path, const std::string& wanted) {
  if (writes_documents()) std::ofstream(path, std::ios::binary) << wanted;
  EXPECT_EQ(read_document(path), wanted) << path << " is made from the code: ECHO_TEST_WRITE=1 writes it";
}

/// `wanted` ends its last line.
inline void expect_part_is(const std::string& path, const std::string& name, const std::string& wanted) {
  const auto begin_mark = "<!-- " + name + " -->\n";
  const auto document = read_document(path);
  const auto begin = document.find(begin_mark);
  ASSERT_NE(begin, std::string::npos) << path << " has no " << begin_mark;
  const auto from = begin + begin_mark.size();
  const auto end = document.find("<!-- /" + name + " -->", from);
  ASSERT_NE(end, std::string::npos) << path << " does not end " << begin_mark;
  expect_document_is(path, document.substr(0, from) + wanted + document.substr(end));
}

/// A pipe would end the cell.
inline std::string in_cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

inline std::string table_of(const std::string& first_column, const std::string& second_column,
                            std::span<const HelpEntry> entries) {
  auto table = "| " + first_column + " | " + second_column + " |\n| --- | --- |\n";
  for (const auto& entry : entries)
    table += "| `" + in_cell(entry.name) + "` | " + in_cell(entry.text) + " |\n";
  return table;
}

}  // namespace tcp_echo::test
