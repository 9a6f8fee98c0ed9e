#include "tcp_echo/base/log.hpp"

#include <fcntl.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/syslog_sink.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>

#include "tcp_echo/base/text.hpp"

namespace tcp_echo {
namespace {

/// Writes each line with one write(2), unbuffered: nothing is lost when the process is killed, and with
/// O_APPEND the lines of several processes do not mix. A line that cannot be written is dropped: there is
/// nowhere left to say so.
class DescriptorSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit DescriptorSink(int fd) : fd_(fd) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    [[maybe_unused]] const auto written = ::write(fd_, line.data(), line.size());
  }
  void flush_() override {}

  int fd_;
};

/// Time, level, process and pid are syslog's own to say.
std::shared_ptr<spdlog::logger> syslog_logger(const std::string& name) {
  using Sink = spdlog::sinks::syslog_sink<spdlog::details::null_mutex>;
  return std::make_shared<spdlog::logger>(name, std::make_shared<Sink>(name, LOG_PID, LOG_DAEMON, false));
}

std::shared_ptr<spdlog::logger> descriptor_logger(const std::string& name, const LogSettings& settings) {
  auto logger = std::make_shared<spdlog::logger>(name, std::make_shared<DescriptorSink>(settings.fd));
  const std::string pattern = settings.timestamps ? "%Y-%m-%dT%H:%M:%S.%eZ %l %n %P: %v" : "%l %n %P: %v";
  logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
  return logger;
}

bool is_fifo(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISFIFO(status.st_mode);
}

}  // namespace

void set_up_logging(const std::string& name, const LogSettings& settings) {
  spdlog::set_default_logger(nullptr);  // the end of an old syslog sink would undo the new one's openlog(3)
  auto logger = settings.syslog ? syslog_logger(name) : descriptor_logger(name, settings);
  logger->set_level(settings.level);
  spdlog::set_default_logger(std::move(logger));
}

Result<UniqueFd> open_log_file(const std::string& path) {
  constexpr mode_t kOwnerWritesGroupReads = 0640;
  // O_NONBLOCK: open(2) of a FIFO would wait for somebody to read it, and of a serial line for its carrier.
  // O_NOCTTY: a terminal that is only written to must not send us its signals.
  constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  UniqueFd fd(::open(path.c_str(), kFlags, kOwnerWritesGroupReads));
  if (fd) return fd;
  const int error = errno;
  const auto attempted = "open the log file " + printable(path);
  if (error == ENXIO && is_fifo(path))
    return failure(ExitCode::kCantCreate, attempted + ": nobody reads the FIFO");
  return failure(ExitCode::kCantCreate, system_error(attempted, error).text);
}

Result<void> reopen_log_file(const std::string& path, int descriptor) {
  const auto opened = open_log_file(path);
  if (!opened) return tl::unexpected(opened.error());
  if (::dup3(opened->get(), descriptor, O_CLOEXEC) < 0) return system_failure("reopen the log file", errno);
  return {};
}

bool goes_to_journal(int fd) {
  const char* stream = std::getenv("JOURNAL_STREAM");  // "device:inode"
  struct stat status {};
  if (stream == nullptr || ::fstat(fd, &status) != 0) return false;
  return fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}

}  // namespace tcp_echo
