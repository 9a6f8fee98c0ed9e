#include "syslog_writer.hpp"

#include <spdlog/fmt/fmt.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <utility>

namespace tcp_echo {
namespace {

/// "Nov  8 14:05:09", local time, whatever the locale: RFC 3164, 4.1.2.
std::string timestamp() {
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  return fmt::format("{} {:2} {:02}:{:02}:{:02}", kMonths.at(static_cast<std::size_t>(local.tm_mon)),
                     local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec);
}

}  // namespace

SyslogWriter::SyslogWriter(std::string name, std::string socket)
    : name_(std::move(name)), path_(std::move(socket)) {}

int SyslogWriter::write(int severity, std::string_view line) {
  // NOLINTNEXTLINE(hicpp-signed-bitwise): the C library's macros
  auto packet = fmt::format("<{}>{} {}[{}]: {}", LOG_DAEMON | severity, timestamp(), name_, ::getpid(), line);
  if (socket_) {
    const int error = send(packet);
    if (error == 0 || error == EAGAIN) return error;
  }
  // It was never there, or another one is there now.
  const int error = connect();
  return error != 0 ? error : send(packet);
}

/// A stream has no borders of its own; each line ends with a NUL there.
int SyslogWriter::send(const std::string& packet) {
  return writer_.write({packet.c_str(), packet.size() + (is_stream_ ? 1 : 0)});
}

int SyslogWriter::connect() {
  int error = connect_as(SOCK_DGRAM);
  if (error == EPROTOTYPE) error = connect_as(SOCK_STREAM);
  return error;
}

int SyslogWriter::connect_as(int type) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  if (path_.copy(address.sun_path, sizeof address.sun_path - 1) < path_.size()) return ENAMETOOLONG;
  socket_.reset(::socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_) return errno;
  if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int error = errno;
    socket_.reset();
    return error;
  }
  is_stream_ = type == SOCK_STREAM;
  writer_.use(socket_.get());
  return 0;
}

}  // namespace tcp_echo
