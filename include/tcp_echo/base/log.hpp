// Logging set-up. One event, one line, one write(2): lines of several processes that share a file stay whole.
// No process ever waits for its log: lines that are not taken are dropped, and counted in the next one that
// is.
//
// Every process calls set_up_logging() once it knows its settings and then logs through spdlog's default
// logger, the one global of this program.
#pragma once

#include <spdlog/spdlog.h>

#include <string>
#include <string_view>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo {

struct LogSettings {
  spdlog::level::level_enum level = spdlog::level::info;
  bool timestamps = true;
  int fd = 2;           ///< borrowed, must stay open; opened with O_APPEND if it is a file
  bool syslog = false;  ///< to syslog, facility daemon, in place of `fd`
};

/// `name` is what the process is called in ps, such as "tcp-echo[wrk1]"; every line carries it and the pid.
/// Not a reference into the logger that is replaced.
void set_up_logging(const std::string& name, const LogSettings& settings);

/// Opened for appending, made if it is not there. Does not wait: a FIFO has to have a reader. Fails with
/// kCantCreate.
Result<UniqueFd> open_log_file(const std::string& path);

/// Puts the file that now has that name (it is made if there is none) in the place of the one that
/// `descriptor` leads to. When that fails the descriptor stays as it is.
Result<void> reopen_log_file(const std::string& path, int descriptor);

/// Puts what was opened in the place of what `descriptor` leads to.
Result<void> replace_log(const UniqueFd& opened, int descriptor);

/// For a process that has no log yet, or none any more. Waits a second at most for a reader.
void say_on_stderr(std::string_view line);

/// Whether `fd` leads into systemd's journal, which stamps every line itself (JOURNAL_STREAM in
/// systemd.exec(5)).
bool goes_to_journal(int fd);

}  // namespace tcp_echo
