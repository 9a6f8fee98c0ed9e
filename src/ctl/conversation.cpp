#include "conversation.hpp"

#include <poll.h>
#include <spdlog/fmt/fmt.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>
#include <utility>

#include "tcp_echo/base/text.hpp"
#include "tcp_echo/control/socket.hpp"

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// For an answer that a master has at hand.
constexpr auto kPatience = 10s;
/// For the end of a process whose last worker has gone.
constexpr auto kPatienceAtTheEnd = 30s;
/// Until a master that has too many clients is asked again.
constexpr auto kPause = 50ms;

tl::unexpected<Error> no_answer(const std::string& path, const std::string& why) {
  return failure(ExitCode::kUnavailable, "no answer from the master at " + printable(path) + ": " + why);
}

/// For poll(2): rounded up, and for ever without a deadline.
int time_until(const std::optional<Clock::time_point>& deadline) {
  if (!deadline) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now());
  return std::max(0, static_cast<int>(left.count()));
}

}  // namespace

Result<Conversation> Conversation::begin(const std::string& path) {
  auto socket = connect_to_control_socket(path);
  if (!socket) return tl::unexpected(socket.error());
  return Conversation(path, std::move(*socket));
}

Result<ControlReply> Conversation::ask(const ControlRequest& request) {
  const auto welcome = Clock::now() + kPatience;
  const bool is_job = row_of(request.command).is_job;
  const auto deadline = is_job || request.waits ? Deadline{} : welcome;
  auto reply = ask_once(request, deadline);
  // The master lets go of who has been silent for some seconds, as this program is after Ctrl-Z. A question
  // may be asked again; a job may have begun.
  if (!reply && has_ended_ && !is_job && begin_again()) reply = ask_once(request, deadline);
  while (reply && reply->refusal == ControlReply::Refusal::kBusy && Clock::now() < welcome) {
    std::this_thread::sleep_for(kPause);
    if (auto again = begin_again(); !again) return tl::unexpected(again.error());
    reply = ask_once(request, deadline);
  }
  if (reply && reply->refusal == ControlReply::Refusal::kBusy) return no_answer(path_, reply->message);
  if (reply && reply->refusal == ControlReply::Refusal::kForbidden)
    return failure(ExitCode::kNoPermission, reply->message);
  return reply;
}

Result<void> Conversation::begin_again() {
  auto again = begin(path_);
  if (!again) return tl::unexpected(again.error());
  *this = std::move(*again);
  return {};
}

/// A master that refuses a client does not read what it sends: that the line cannot be sent says nothing yet.
Result<ControlReply> Conversation::ask_once(const ControlRequest& request, const Deadline& deadline) {
  const auto line = to_line(request) + '\n';
  static_cast<void>(::send(socket_.get(), line.data(), line.size(), MSG_NOSIGNAL));
  const auto answer = receive_line(deadline);
  if (!answer) return tl::unexpected(answer.error());
  return parse_reply(*answer);
}

Result<std::string> Conversation::receive_line(const Deadline& deadline) {
  constexpr std::size_t kPiece = 65536;
  for (;;) {
    if (const auto end = received_.find('\n'); end != std::string::npos) {
      auto line = received_.substr(0, end);
      received_.erase(0, end + 1);
      return line;
    }
    pollfd readable{socket_.get(), POLLIN, 0};
    const int ready = ::poll(&readable, 1, time_until(deadline));
    if (ready == 0) return no_answer(path_, "it is silent");
    std::array<char, kPiece> bytes{};
    const auto size = ready < 0 ? -1 : ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) {
      has_ended_ = true;
      return no_answer(path_, size < 0 ? reason_of(errno) : "it has gone");
    }
    received_.append(bytes.data(), static_cast<std::size_t>(size));
  }
}

/// Whoever starts another one next finds its port, its pid file and its control socket free. The end of the
/// connection comes a little earlier; it is what there is where the process cannot be watched
/// (pidfd_open(2)).
Result<void> Conversation::await_end_of_master() {
  const auto deadline = Clock::now() + kPatienceAtTheEnd;
  const auto master = peer_of(socket_.get());
  const auto pid = master ? master->pid : 0;
  const UniqueFd process(pid > 0 ? static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)) : -1);
  pollfd end{process ? process.get() : socket_.get(), POLLIN, 0};
  for (;;) {
    const int ended = ::poll(&end, 1, time_until(deadline));
    if (ended > 0) return {};
    if (ended == 0)
      return failure(ExitCode::kFailed,
                     fmt::format("process {} has stopped to serve, and is still there", pid));
    if (errno != EINTR) return system_failure("wait for the end of the master", errno);
  }
}

}  // namespace tcp_echo
