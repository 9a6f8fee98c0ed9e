// A run's summary in words, as JSON, and as a page: pure functions from values to text.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/load/summary.hpp"

namespace tcp_echo {

/// For a terminal: a few aligned lines, limits of our own last, with a newline at the end.
std::string text_report(const LoadSummary& summary);

/// One JSON document (RFC 8259), times in seconds, bytes in bytes; with a newline at the end.
std::string json_report(const LoadSummary& summary);

/// One line of --json-lines.
std::string json_line(const LoadInterval& interval);

/// One HTML document that needs nothing else: the figures, the latency over percentiles and the rate over
/// time.
std::string html_report(const LoadSummary& summary);

/// What is shown of a run while it goes on, without a newline: "12 s  50 open  181234 echoes/s  23.2 MB/s p99
/// 0.41 ms".
std::string progress_line(const LoadInterval& interval);

/// Whether a report can be expected to be written there; changes nothing. kCantCreate if not.
Result<void> check_report(const std::string& path);

/// Writes all of `text` to a file, or to standard output for "-". A file is replaced as a whole: it is
/// written under another name beside it first, unless it is something else than a regular file (/dev/stderr,
/// a pipe). kCantCreate on failure.
Result<void> write_report(const std::string& path, std::string_view text);

/// A report that grows while the run goes on, line by line. A file begins anew; it is not replaced as a
/// whole, so that its lines can be followed.
class LineReport {
 public:
  /// "-" is standard output. kCantCreate on failure.
  static Result<LineReport> open(const std::string& path);

  /// The text ends with a newline. After a failure nothing more is written.
  void append(std::string_view text);
  /// kCantCreate if something could not be written.
  const Result<void>& status() const noexcept { return status_; }

 private:
  LineReport(std::string path, UniqueFd file) : path_(std::move(path)), file_(std::move(file)) {}

  std::string path_;
  UniqueFd file_;
  Result<void> status_;
};

}  // namespace tcp_echo
