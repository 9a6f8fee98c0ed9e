#include "connections_view.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "endpoint_text.hpp"
#include "tcp_echo/base/text.hpp"
#include "time_text.hpp"

namespace tcp_echo {
namespace {

using Json = nlohmann::ordered_json;
using Align = TextTable::Align;

std::vector<TextTable::Column> columns() {
  return {{"PEER", Align::kLeft},
          {"LISTENER", Align::kLeft},
          {"WORKER"},
          {"STATE", Align::kLeft},
          {"AGE"},
          {"IDLE"},
          {"RECEIVED"},
          {"SENT"},
          {"UNSENT"},
          {"UNACKED"}};
}

std::uint64_t bytes_of(const Json& connection, const char* which) {
  return connection.at("bytes").at(which).get<std::uint64_t>();
}

double key_of(const Json& connection, ConnectionOrder order) {
  switch (order) {
    case ConnectionOrder::kNone: return 0;
    case ConnectionOrder::kAge: return connection.at("age_seconds").get<double>();
    case ConnectionOrder::kIdle: return connection.at("idle_seconds").get<double>();
    case ConnectionOrder::kBytes:
      return static_cast<double>(bytes_of(connection, "received") + bytes_of(connection, "sent"));
  }
  return 0;
}

std::vector<std::string> cells_of(const Json& connection) {
  const auto& listener = connection.at("listener");
  return {endpoint_text(connection.at("peer")),
          listener.is_null() ? "-" : endpoint_text(listener),
          std::to_string(connection.at("worker").get<unsigned>()),
          connection.at("state").get<std::string>(),
          age_text(connection.at("age_seconds").get<double>()),
          age_text(connection.at("idle_seconds").get<double>()),
          format_bytes(bytes_of(connection, "received")),
          format_bytes(bytes_of(connection, "sent")),
          format_bytes(bytes_of(connection, "unsent")),
          format_bytes(bytes_of(connection, "unacknowledged"))};
}

const auto kComesFirst = [](const auto& left, const auto& right) { return left.key > right.key; };

}  // namespace

ConnectionsView::ConnectionsView(const CtlCommand& command, Style style)
    : order_(command.order),
      limit_(command.limit.value_or(std::numeric_limits<std::size_t>::max())),
      as_json_(command.as_json),
      table_(columns(), style) {}

Result<std::string> ConnectionsView::add(std::string_view page) {
  try {
    const auto answer = Json::parse(page);
    next_ = answer.at("next").get<std::uint64_t>();
    std::vector<Row> rows;
    for (const auto& connection : answer.at("connections")) {
      rows.push_back(
          {key_of(connection, order_), as_json_ ? std::vector{connection.dump()} : cells_of(connection)});
    }
    seen_ += rows.size();
    if (order_ == ConnectionOrder::kNone) return show(std::move(rows));
    for (auto& row : rows) keep(std::move(row));
    return {};
  } catch (const Json::exception& error) {
    return failure(ExitCode::kSoftware, fmt::format("the connections make no sense: {}", error.what()));
  }
}

void ConnectionsView::keep(Row row) {
  kept_.push_back(std::move(row));
  std::push_heap(kept_.begin(), kept_.end(), kComesFirst);
  if (kept_.size() <= limit_) return;
  std::pop_heap(kept_.begin(), kept_.end(), kComesFirst);
  kept_.pop_back();
}

std::string ConnectionsView::show(std::vector<Row> rows) {
  if (rows.size() > limit_ - shown_) {
    rows.resize(limit_ - shown_);
    next_ = 0;
  }
  shown_ += rows.size();
  std::string lines;
  for (auto& row : rows) {
    if (as_json_)
      lines += row.cells.front() + '\n';
    else
      table_.add(std::move(row.cells));
  }
  return as_json_ ? lines : table_.take_text();
}

std::string ConnectionsView::end() {
  std::sort_heap(kept_.begin(), kept_.end(), kComesFirst);
  const auto rest = show(std::exchange(kept_, {}));
  return as_json_ ? rest : rest + summary();
}

std::string ConnectionsView::summary() const {
  if (shown_ == seen_) return fmt::format("\n{}\n", counted(shown_, "connection"));
  if (order_ != ConnectionOrder::kNone)
    return fmt::format("\n{} of {}\n", shown_, counted(seen_, "connection"));
  return fmt::format("\n{}; there are more\n", counted(shown_, "connection"));
}

}  // namespace tcp_echo
