#include "session.hpp"

#include <poll.h>
#include <spdlog/fmt/fmt.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;

/// A request has so long to come, and an answer to be read.
constexpr auto kPatience = 5s;
/// While a client waits it is looked every so often whether it is still there.
constexpr auto kLookEvery = 1s;

/// Whether the other end is closed for good; what only shuts down its writing half waits for an answer. A
/// unix socket tells the two apart (unix(7), POLLHUP in poll(2)).
bool has_gone(int socket) {
  pollfd descriptor{socket, 0, 0};
  return ::poll(&descriptor, 1, 0) > 0 && (descriptor.revents & (POLLHUP | POLLERR)) != 0;
}

bool would_wait(int error) { return error == EAGAIN || error == EINTR; }

}  // namespace

ControlSession::ControlSession(Loop& loop, Timekeeper& clock, const ControlSessionHandlers& handlers,
                               Ticket ticket, UniqueFd socket)
    : ControlSession(loop, clock, handlers, ControlSessionRecord{.ticket = ticket}, std::move(socket)) {}

ControlSession::ControlSession(Loop& loop, Timekeeper& clock, const ControlSessionHandlers& handlers,
                               const ControlSessionRecord& record, UniqueFd socket)
    : handlers_(handlers),
      ticket_(record.ticket),
      socket_(std::move(socket)),
      has_finished_(record.has_finished),
      input_(record.input),
      output_(record.output),
      poll_(loop, socket_.get(), [this] { on_ready(); }),
      deadline_(clock, [this] { on_time(); }) {
  if (!record.request.empty()) take_up(record.request);
  enter(!output_.empty() ? State::kReads : request_ ? State::kWaits : State::kAsks);
}

ControlSessionRecord ControlSession::record() const {
  return {.fd = socket_.get(),
          .ticket = ticket_,
          .input = input_,
          .output = output_,
          .request = request_ ? to_line(*request_) : std::string(),
          .has_finished = has_finished_};
}

/// Each state has its readiness and its time. A request that is there already waits for the next turn of the
/// loop, so that a client which sends a thousand of them at once stops nobody.
void ControlSession::enter(State state) {
  state_ = state;
  poll_.stop();
  switch (state) {
    case State::kAsks: return wait_for(has_request() ? Readiness::kWritable : Readiness::kReadable);
    case State::kWaits: return deadline_.start(kLookEvery);
    case State::kReads: return wait_for(Readiness::kWritable);
  }
}

void ControlSession::wait_for(Readiness what) { deadline_.start(poll_.watch(what) ? kPatience : 0s); }

void ControlSession::on_ready() {
  if (state_ == State::kReads) return write();
  if (state_ == State::kAsks) return has_request() ? take_request() : read();
}

void ControlSession::on_time() {
  if (state_ == State::kWaits && !has_gone(socket_.get())) return enter(State::kWaits);
  handlers_.on_end(*this);
}

// ---- what it asks

bool ControlSession::has_request() const {
  return input_.find('\n') != std::string::npos || (has_finished_ && !input_.empty()) ||
         input_.size() > kLongestRequest;
}

void ControlSession::read() {
  std::array<char, kLongestRequest + 1> bytes{};
  const auto room = bytes.size() - input_.size();
  const auto size = ::recv(socket_.get(), bytes.data(), room, MSG_DONTWAIT);
  if (size < 0 && would_wait(errno)) return;
  if (size < 0) return handlers_.on_end(*this);
  input_.append(bytes.data(), static_cast<std::size_t>(size));
  has_finished_ = size == 0;
  if (has_request()) return take_request();
  if (has_finished_) handlers_.on_end(*this);
}

void ControlSession::take_request() {
  const auto end = input_.find('\n');
  if (std::min(end, input_.size()) > kLongestRequest) {
    input_.clear();
    has_finished_ = true;
    return answer(ControlReply::failed(fmt::format("a request has at most {} bytes", kLongestRequest)));
  }
  take_up(input_.substr(0, end));
  input_.erase(0, end == std::string::npos ? end : end + 1);
  if (!request_) return write();
  enter(State::kWaits);
  handlers_.on_request(*this, ControlRequest(*request_));  // which the answer ends
}

/// There is a request then, or an answer that says what is wrong with the line.
void ControlSession::take_up(const std::string& line) {
  if (const auto request = parse_request(line))
    request_ = *request;
  else
    output_ = to_line(ControlReply::failed(request.error().text)) + '\n';
}

// ---- what it is told

void ControlSession::answer(const ControlReply& reply) {
  request_.reset();
  output_ = to_line(reply) + '\n';
  write();
}

void ControlSession::write() {
  const auto size = ::send(socket_.get(), output_.data(), output_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (size < 0 && !would_wait(errno)) return handlers_.on_end(*this);
  if (size > 0) output_.erase(0, static_cast<std::size_t>(size));
  if (!output_.empty()) {
    if (state_ != State::kReads) enter(State::kReads);
    return;
  }
  if (has_finished_ && input_.empty()) return handlers_.on_end(*this);
  enter(State::kAsks);
}

}  // namespace tcp_echo
