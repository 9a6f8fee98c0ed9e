// Writes down a worker's connections for its master, a slice a turn of the loop, so that nobody waits for it.
#pragma once

#include <cstddef>
#include <functional>

#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/echo/connection_table.hpp"
#include "tcp_echo/ipc/connection_record.hpp"
#include "tcp_echo/loop/timer.hpp"

namespace tcp_echo {

/// What there is to tell of one.
ConnectionRecord record_of(const Connection& connection, std::chrono::milliseconds now);

class ConnectionList {
 public:
  static constexpr std::size_t kSlice = 64;

  /// `on_done` may destroy this object. Connections that come or go meanwhile may be in it or not.
  ConnectionList(Loop& loop, const ConnectionTable& table, UniqueFd file,
                 std::function<void(bool is_complete)> on_done);

 private:
  void write_slice();

  const ConnectionTable& table_;
  UniqueFd file_;
  std::function<void(bool)> on_done_;
  std::size_t next_ = 0;
  Timer turn_;
};

}  // namespace tcp_echo
