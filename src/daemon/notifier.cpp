#include "tcp_echo/daemon/notifier.hpp"

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <string_view>

#include "tcp_echo/base/environment.hpp"
#include "tcp_echo/base/text.hpp"

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;

/// A path, or a name in the abstract namespace written with '@' (unix(7)).
UniqueFd connect_to(std::string_view name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const bool is_valid = (name.starts_with('/') || name.starts_with('@')) && name.size() > 1 &&
                        name.size() < sizeof address.sun_path;
  if (!is_valid) {
    spdlog::warn("NOTIFY_SOCKET: {} is no address of a socket; notifying nobody", in_quotes(name));
    return {};
  }
  std::copy(name.begin(), name.end(), std::begin(address.sun_path));
  if (name.starts_with('@')) address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) {
    spdlog::warn("NOTIFY_SOCKET: connect to {}: {}; notifying nobody", in_quotes(name), std::strerror(errno));
    return {};
  }
  return fd;
}

std::optional<std::chrono::milliseconds> wanted_interval() {
  const auto limit = parse_number(environment_variable("WATCHDOG_USEC"));
  if (!limit || *limit == 0) return std::nullopt;
  const auto whose = environment_variable("WATCHDOG_PID");
  if (!whose.empty() && parse_number(whose) != static_cast<std::uint64_t>(::getpid())) return std::nullopt;
  constexpr std::uint64_t kLongest = std::chrono::microseconds(24h * 365).count();
  const std::chrono::microseconds half(std::min(*limit, kLongest) / 2);
  return std::max<std::chrono::milliseconds>(std::chrono::duration_cast<std::chrono::milliseconds>(half),
                                             1ms);
}

}  // namespace

Notifier::Notifier(Loop& loop) {
  const auto name = environment_variable("NOTIFY_SOCKET");
  if (name.empty()) return;
  socket_ = connect_to(name);
  if (!socket_) return;
  room_.emplace(loop, socket_.get(), [this] { send_owed(); });
  alive_interval_ = wanted_interval();
}

void Notifier::ready(const std::string& status) {
  tell(fmt::format("READY=1\nMAINPID={}\nSTATUS={}", ::getpid(), status));
}

void Notifier::status(const std::string& status) { tell("STATUS=" + status); }

// The time tells the manager which of two reloads a READY belongs to.
void Notifier::reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const auto since_boot = std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                   std::chrono::duration_cast<std::chrono::microseconds>(since_boot).count()));
}

void Notifier::stopping(const std::string& status) { tell("STOPPING=1\nSTATUS=" + status); }

void Notifier::alive() {
  if (socket_ && owed_.empty()) try_to_send("WATCHDOG=1");
}

void Notifier::tell(std::string state) {
  if (!socket_) return;
  if (owed_.size() == kMostOwed) owed_.pop_front();
  owed_.push_back(std::move(state));
  send_owed();
}

void Notifier::send_owed() {
  while (!owed_.empty() && try_to_send(owed_.front())) owed_.pop_front();
  if (owed_.empty()) {
    room_->stop();
  } else {
    room_->watch(Readiness::kWritable);
  }
}

bool Notifier::try_to_send(const std::string& state) const {
  if (::send(socket_.get(), state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return true;
  if (errno == EAGAIN) return false;
  spdlog::warn("the service manager cannot be told {}: {}", in_quotes(state), std::strerror(errno));
  return true;
}

}  // namespace tcp_echo
