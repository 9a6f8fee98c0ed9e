// Connections for eyes, or each as a line of JSON, page by page as a master tells them. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "command.hpp"
#include "style.hpp"
#include "tcp_echo/base/error.hpp"
#include "text_table.hpp"

namespace tcp_echo {

/// Unsorted it shows each page as it comes, and keeps none. Sorted it keeps those that will be shown: all of
/// them, or as many as the limit allows.
class ConnectionsView {
 public:
  /// Of `command` it minds order, limit and whether it is to be JSON.
  ConnectionsView(const CtlCommand& command, Style style);

  /// Takes what a master answers to "connections", and gives what can be shown of it by now. Fails with
  /// kSoftware if that is something else.
  Result<std::string> add(std::string_view page);
  /// Where the next page begins; 0: there is none, or it would not be shown.
  std::uint64_t next() const noexcept { return next_; }
  /// What is left to be shown after the last page.
  std::string end();

 private:
  struct Row {
    double key = 0;                  ///< what it is sorted by
    std::vector<std::string> cells;  ///< or one, a line of JSON
  };
  void keep(Row row);
  std::string show(std::vector<Row> rows);
  std::string summary() const;

  ConnectionOrder order_;
  std::size_t limit_;
  bool as_json_;
  TextTable table_;
  std::vector<Row> kept_;  ///< a heap, of which the first is the first to go
  std::uint64_t seen_ = 0;
  std::uint64_t shown_ = 0;
  std::uint64_t next_ = 0;
};

}  // namespace tcp_echo
