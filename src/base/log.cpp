#include "tcp_echo/base/log.hpp"

#include <fcntl.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <utility>

#include "syslog_writer.hpp"
#include "tcp_echo/base/line_writer.hpp"
#include "tcp_echo/base/text.hpp"

namespace tcp_echo {
namespace {

using SinkOfOneThread = spdlog::sinks::base_sink<spdlog::details::null_mutex>;

std::string loss_text(std::uint64_t lines, int error) {
  const auto what = fmt::format("log: {} {} lost", counted(lines, "line"), lines == 1 ? "was" : "were");
  switch (error) {
    case EAGAIN:
    case EPIPE:
    case ENOENT:  // these two are syslog's
    case ECONNREFUSED: return what + ", because nobody read it";
    default: return what + ": " + reason_of(error);
  }
}

int severity_of(spdlog::level::level_enum level) {
  static constexpr std::array kSeverities = {LOG_DEBUG, LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERR, LOG_CRIT};
  static_assert(kSeverities.size() == spdlog::level::off);
  return kSeverities.at(static_cast<std::size_t>(level));
}

int write(LineWriter& writer, spdlog::level::level_enum /*level*/, std::string_view line) {
  return writer.write(line);
}

int write(SyslogWriter& writer, spdlog::level::level_enum level, std::string_view line) {
  return writer.write(severity_of(level), line);
}

/// Hands each line over at once, so that nothing is lost when the process is killed. Lines that are not taken
/// are dropped and counted; how many they were is the first that is said when lines are taken again.
template <class Writer>
class LosingSink final : public SinkOfOneThread {
 public:
  LosingSink(std::string name, Writer writer) : name_(std::move(name)), writer_(std::move(writer)) {}
  ~LosingSink() override {
    try {
      if (lost_ > 0) tell_loss();
    } catch (const std::exception&) {  // there is nowhere left to say so
    }
  }
  LosingSink(const LosingSink&) = delete;
  LosingSink& operator=(const LosingSink&) = delete;

  Writer& writer() { return writer_; }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (lost_ > 0) tell_loss();
    error_ = lost_ > 0 ? error_ : put(message);
    if (error_ != 0) ++lost_;
  }
  void flush_() override {}

  int put(const spdlog::details::log_msg& message) {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    return write(writer_, message.level, {line.data(), line.size()});
  }

  void tell_loss() {
    const auto text = loss_text(lost_, error_);
    error_ = put({name_, spdlog::level::warn, text});
    if (error_ == 0) lost_ = 0;
  }

  std::string name_;  ///< the logger's
  Writer writer_;
  std::uint64_t lost_ = 0;
  int error_ = 0;  ///< of the last line
};

/// Time, level, process and pid are syslog's own to say.
std::shared_ptr<spdlog::logger> syslog_logger(const std::string& name) {
  auto logger = std::make_shared<spdlog::logger>(
      name, std::make_shared<LosingSink<SyslogWriter>>(name, SyslogWriter(name)));
  const auto local = spdlog::pattern_time_type::local;
  logger->set_formatter(std::make_unique<spdlog::pattern_formatter>("%v", local, ""));
  return logger;
}

std::shared_ptr<spdlog::logger> descriptor_logger(const std::string& name, const LogSettings& settings) {
  auto logger = std::make_shared<spdlog::logger>(
      name, std::make_shared<LosingSink<LineWriter>>(name, LineWriter(settings.fd)));
  const std::string pattern = settings.timestamps ? "%Y-%m-%dT%H:%M:%S.%eZ %l %n %P: %v" : "%l %n %P: %v";
  logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
  return logger;
}

void look_again_at_log() {
  if (spdlog::default_logger() == nullptr) return;
  for (const auto& sink : spdlog::default_logger()->sinks()) {
    if (auto* const losing = dynamic_cast<LosingSink<LineWriter>*>(sink.get())) losing->writer().look_again();
  }
}

bool is_fifo(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISFIFO(status.st_mode);
}

}  // namespace

void set_up_logging(const std::string& name, const LogSettings& settings) {
  spdlog::set_default_logger(nullptr);  // an old one says what it has lost before the new one says anything
  auto logger = settings.syslog ? syslog_logger(name) : descriptor_logger(name, settings);
  logger->set_level(settings.level);
  spdlog::set_default_logger(std::move(logger));
}

Result<UniqueFd> open_log_file(const std::string& path) {
  constexpr mode_t kOwnerWritesGroupReads = 0640;
  // O_NONBLOCK: open(2) of a FIFO would wait for a reader, and of a serial line for its carrier.
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
  return replace_log(*opened, descriptor);
}

Result<void> replace_log(const UniqueFd& opened, int descriptor) {
  if (::dup3(opened.get(), descriptor, O_CLOEXEC) < 0) return system_failure("change the log", errno);
  look_again_at_log();
  return {};
}

void say_on_stderr(std::string_view line) {
  constexpr std::chrono::seconds kPatience{1};
  LineWriter(STDERR_FILENO, kPatience).write(line);
}

bool goes_to_journal(int fd) {
  const char* stream = std::getenv("JOURNAL_STREAM");  // "device:inode"
  struct stat status {};
  if (stream == nullptr || ::fstat(fd, &status) != 0) return false;
  return fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}

}  // namespace tcp_echo
