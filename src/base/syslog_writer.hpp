// Sends lines to syslog as syslog(3) does, but never waits: that one blocks the caller once the daemon behind
// /dev/log has stopped reading.
#pragma once

#include <string>
#include <string_view>

#include "tcp_echo/base/line_writer.hpp"
#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo {

class SyslogWriter {
 public:
  /// `name` stands before each line. Connects with the first of them, and anew when syslog was restarted.
  explicit SyslogWriter(std::string name, std::string socket = "/dev/log");

  /// The severity is one of syslog(3), the facility is LOG_DAEMON. 0 if the line was taken, otherwise errno:
  /// EAGAIN if that would have meant to wait.
  int write(int severity, std::string_view line);

 private:
  int send(const std::string& packet);
  int connect();
  int connect_as(int type);

  std::string name_;
  std::string path_;
  UniqueFd socket_;
  bool is_stream_ = false;
  LineWriter writer_{-1};
};

}  // namespace tcp_echo
