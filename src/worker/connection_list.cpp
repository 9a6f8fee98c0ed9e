#include "tcp_echo/worker/connection_list.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "tcp_echo/net/parties.hpp"

namespace tcp_echo {
namespace {

template <std::size_t Size>
void copy(const std::string& text, std::array<char, Size>& into) noexcept {
  std::memcpy(into.data(), text.data(), std::min(text.size(), Size - 1));
}

std::uint64_t count_of(std::chrono::milliseconds time) {
  return static_cast<std::uint64_t>(std::max<std::chrono::milliseconds::rep>(time.count(), 0));
}

}  // namespace

ConnectionRecord record_of(const Connection& connection, std::chrono::milliseconds now) {
  const auto& state = connection.state();
  ConnectionRecord record;
  if (const auto parties = parties_of(connection.fd())) {
    copy(parties->peer.text(), record.peer);
    copy(parties->listener.text(), record.listener);
  }
  record.age_milliseconds = count_of(now - state.opened_at);
  record.idle_milliseconds = count_of(now - connection.last_activity());
  record.received_bytes = state.received_bytes;
  record.sent_bytes = state.sent_bytes;
  record.unsent_bytes = state.unsent.rest().size();
  record.is_lingering = state.phase == ConnectionState::Phase::kLingering ? 1 : 0;
  return record;
}

ConnectionList::ConnectionList(Loop& loop, const ConnectionTable& table, UniqueFd file,
                               std::function<void(bool)> on_done)
    : table_(table), file_(std::move(file)), on_done_(std::move(on_done)), turn_(loop, [this] { write_slice(); }) {
  turn_.start(std::chrono::milliseconds(0));
}

void ConnectionList::write_slice() {
  std::vector<ConnectionRecord> records;
  records.reserve(kSlice);
  next_ = table_.visit(next_, kSlice,
                       [&](const Connection& each) { records.push_back(record_of(each, table_.now())); });
  const auto bytes = std::as_bytes(std::span(records));
  const bool is_written = ::write(file_.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
  const bool is_over = next_ == ConnectionTable::kEnd;
  if (is_written && !is_over) return turn_.start(std::chrono::milliseconds(1));
  const auto tell = on_done_;
  tell(is_written);
}

}  // namespace tcp_echo
