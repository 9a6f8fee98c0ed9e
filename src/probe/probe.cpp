#include "tcp_echo/probe/probe.hpp"

#include <poll.h>
#include <spdlog/fmt/fmt.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <thread>

#include "tcp_echo/base/text.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/ipc/address_notice.hpp"

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;

/// 0, or the errno of what went wrong: ETIMEDOUT when the time is up.
int wait_for(int fd, short events, ProbeClock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - ProbeClock::now());
    pollfd descriptor{fd, events, 0};
    const int ready = ::poll(&descriptor, 1, std::max(0, static_cast<int>(left.count())));
    if (ready > 0) return 0;
    if (ready == 0) return ETIMEDOUT;
    if (errno != EINTR) return errno;
  }
}

/// As wait_for().
int connect_to(const UniqueFd& fd, const Endpoint& endpoint, ProbeClock::time_point deadline) {
  if (!fd) return errno;
  if (::connect(fd.get(), endpoint.address(), endpoint.size()) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  if (const int failed = wait_for(fd.get(), POLLOUT, deadline); failed != 0) return failed;
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

/// Takes what comes until the end of the stream, or until it is more than was sent. Returns as wait_for().
int receive_all(const UniqueFd& fd, std::size_t sent, ProbeClock::time_point deadline,
                std::string& received) {
  std::array<char, 256> bytes{};
  while (received.size() <= sent) {
    if (const int failed = wait_for(fd.get(), POLLIN, deadline); failed != 0) return failed;
    const auto size = ::recv(fd.get(), bytes.data(), bytes.size(), 0);
    if (size == 0) return 0;
    if (size < 0 && errno != EINTR && errno != EAGAIN) return errno;
    if (size > 0) received.append(bytes.data(), static_cast<std::size_t>(size));
  }
  return 0;
}

/// Nothing if the line comes back, else what came instead.
std::optional<std::string> complaint_about(const UniqueFd& fd, ProbeClock::time_point deadline) {
  const auto line = fmt::format("tcp-echo-master --probe {} {}\n", ::getpid(),
                                ProbeClock::now().time_since_epoch().count());
  if (::send(fd.get(), line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size()))
    return "nothing could be sent: " + reason_of(errno);
  ::shutdown(fd.get(), SHUT_WR);
  std::string received;
  if (const int failed = receive_all(fd, line.size(), deadline, received); failed != 0)
    return fmt::format("{} of {} bytes came back: {}", received.size(), line.size(), reason_of(failed));
  if (received != line) return fmt::format("sent {}, got {}", in_quotes(line), in_quotes(received));
  return std::nullopt;
}

/// Where to connect to for it: [::] takes IPv4 as well, and ::1 may be missing where IPv6 is not.
std::vector<Endpoint> reached_at(const Endpoint& endpoint) {
  const auto port = ':' + std::to_string(endpoint.port());
  const auto v4 = *Endpoint::parse("127.0.0.1" + port);
  if (endpoint == Endpoint::any_v4(endpoint.port())) return {v4};
  if (endpoint == Endpoint::any_v6(endpoint.port())) return {*Endpoint::parse("[::1]" + port), v4};
  return {endpoint};
}

/// Once: each address of each notice.
Result<std::vector<Endpoint>> probe_notices(const std::vector<AddressNotice>& notices,
                                            ProbeClock::time_point deadline) {
  std::vector<Endpoint> echoing;
  for (const auto& notice : notices) {
    for (const auto& endpoint : notice.endpoints) {
      if (auto probed = probe_endpoint(endpoint, deadline); !probed) return tl::unexpected(probed.error());
      echoing.push_back(endpoint);
    }
  }
  return echoing;
}

std::string no_service_text(std::optional<pid_t> master) {
  return master ? fmt::format("process {} is no tcp-echo-master that serves here, or may not be looked into",
                              *master)
                : "no tcp-echo-master serves here, or none that may be looked into";
}

}  // namespace

Result<void> probe_endpoint(const Endpoint& endpoint, ProbeClock::time_point deadline) {
  std::optional<std::string> complaint;
  for (const auto& place : reached_at(endpoint)) {
    const UniqueFd fd(::socket(place.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int failed = connect_to(fd, place, deadline);
    complaint = failed == 0 ? complaint_about(fd, deadline) : "cannot connect: " + reason_of(failed);
    if (failed == 0) break;
  }
  if (!complaint) return {};
  return failure(ExitCode::kUnavailable, fmt::format("{} does not echo: {}", endpoint.text(), *complaint));
}

Result<std::vector<Endpoint>> probe_service(std::optional<pid_t> master, std::chrono::milliseconds patience) {
  constexpr auto kPause = 50ms;
  constexpr auto kShortestAttempt = 250ms;  // in less even a healthy service may not answer
  const auto deadline = ProbeClock::now() + patience;
  for (;;) {
    auto echoing = probe_notices(find_notices(master), deadline);
    if (echoing && echoing->empty()) echoing = failure(ExitCode::kUnavailable, no_service_text(master));
    if (echoing || ProbeClock::now() + kPause + kShortestAttempt > deadline) return echoing;
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace tcp_echo
