#include "tcp_echo/load/load_connection.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cmath>

#include "tcp_echo/load/load_thread.hpp"
#include "tcp_echo/load/target.hpp"
#include "tcp_echo/net/socket_options.hpp"

namespace tcp_echo {
namespace {

using Clock = std::chrono::steady_clock;

/// After a failure, so that a server which is down is not asked without pause.
constexpr std::chrono::milliseconds kPauseAfterFailure{100};
/// A slow reader takes what its rate allows for this long, and then sleeps for as long.
constexpr std::uint64_t kSlowReadsPerSecond = 100;
/// Messages that are due together go out together, up to so many bytes.
constexpr std::uint64_t kLargestBatch = 64UL * 1024;

bool would_block(int error_number) noexcept { return error_number == EAGAIN || error_number == EINTR; }

std::chrono::nanoseconds seconds_of(double seconds) noexcept {
  constexpr double kNanosecondsPerSecond = 1e9;
  return std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * kNanosecondsPerSecond));
}

/// Which error it was that polling only told of.
int pending_error(int fd) noexcept {
  int number = 0;
  socklen_t size = sizeof number;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &size) == 0 ? number : errno;
}

}  // namespace

LoadConnection::LoadConnection(LoadThread& thread, std::uint64_t number, Role role) noexcept
    : thread_(thread), number_(number), check_(thread.task().pattern, 0), role_(role) {}

void LoadConnection::connect(Time now) noexcept {
  was_tried_ = true;
  lack_ = OwnLimit::kNone;
  int error = open_socket();
  const bool is_connected = error == 0;
  if (is_connected || error == EINPROGRESS) error = -poll_.init(thread_.loop(), fd_.get(), *this);
  if (error != 0) {
    fd_.reset();
    count_failed_connect(error);
    return thread_.on_idle(*this, now + kPauseAfterFailure);  // there is no poll yet, so it is so at once
  }
  phase_ = Phase::kConnecting;
  watched_ = 0;
  if (is_connected) return on_connected(now);
  output_is_full_ = true;  // there is no output before there is a connection
  watch();
}

/// 0 if the connection stands, EINPROGRESS if it will, or why not. Within one machine the handshake is over
/// when connect(2) returns, though that does not say so; to ask once more costs less than to be told by
/// polling.
int LoadConnection::open_socket() noexcept {
  const auto& target = thread_.task().target;
  fd_.reset(::socket(target.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd_) return errno;
  (void)set_option(fd_.get(), SocketOption::kNoDelay, 1);
  if (const auto* const source = thread_.next_source(); source != nullptr) {
    if (const int error = bind_source(fd_.get(), *source); error != 0) return error;
  }
  const auto begin_or_ask = [&] {
    return ::connect(fd_.get(), target.address(), target.size()) == 0 ? 0 : errno;
  };
  int error = begin_or_ask();
  if (error == EINPROGRESS) error = begin_or_ask();
  if (error == EISCONN) return 0;
  return error == EALREADY ? EINPROGRESS : error;
}

void LoadConnection::count_failed_connect(int error_number) noexcept {
  switch (error_number) {
    case EMFILE:
    case ENFILE: lack_ = OwnLimit::kDescriptors; break;
    case ENOBUFS:
    case ENOSPC:  // of epoll_ctl(2)
    case ENOMEM: lack_ = OwnLimit::kMemory; break;
    case EADDRNOTAVAIL:
    case EADDRINUSE: lack_ = OwnLimit::kPorts; break;
    case ECONNREFUSED: ++thread_.counts().refused; break;
    default: ++thread_.counts().unreachable; break;
  }
  if (lack_ != OwnLimit::kNone) thread_.on_lack(lack_);
  thread_.on_not_connected();
}

void LoadConnection::connect_later(Time time) { thread_.due_queue().schedule(*this, time); }

void LoadConnection::begin_schedule(Time begin) noexcept {
  if (!thread_.plan().is_open_loop() || !is_speaker()) return;
  const double rate = thread_.plan().rate;
  // Those of other connections fall between, or they would all be due at the same time.
  const auto turn = static_cast<double>(number_) / static_cast<double>(thread_.plan().connections);
  due_messages_.begin(Schedule(begin + seconds_of(turn / rate), rate));
}

void LoadConnection::on_connected(Time now) noexcept {
  const auto& plan = thread_.plan();
  thread_.on_connected();
  was_made_ = true;
  phase_ = Phase::kOpen;
  check_ = StreamCheck(thread_.task().pattern, thread_.task().pattern.start_of(number_));
  reported_ = {};
  under_way_.clear();
  unsent_ = begun_ = echoed_ = lost_bytes_ = 0;
  output_is_full_ = reading_pauses_ = sent_fin_ = false;
  end_of_life_ = plan.lifetime.count() > 0 ? now + plan.lifetime : Time::max();
  if (thread_.is_over()) begin_last_messages(now);
  pump(now);
}

void LoadConnection::on_ready(bool failed) noexcept {
  switch (phase_) {
    case Phase::kConnecting:
      if (failed) {
        const int error = pending_error(fd_.get());
        ++(error == ECONNREFUSED ? thread_.counts().refused : thread_.counts().unreachable);
        thread_.on_not_connected();
        return close(Clock::now() + kPauseAfterFailure);
      }
      return on_connected(Clock::now());
    case Phase::kOpen:
    case Phase::kFinishing:
      if (failed) return receive_what_is_left();
      output_is_full_ = false;  // or the next send says so again
      return receive();
    case Phase::kIdle:
    case Phase::kClosing: return;
  }
}

void LoadConnection::on_due(Time now) noexcept {
  if (phase_ == Phase::kIdle) return thread_.want_connection(*this);
  if (!is_open()) return;
  if (reading_pauses_ && now >= may_read_again_) reading_pauses_ = false;
  if (waits_for_fin_alone() && now >= fin_awaited_until_) {
    ++thread_.counts().without_fin;
    return close(now);
  }
  if (phase_ == Phase::kOpen && now >= end_of_life_) {
    // What is due from then on belongs to the next connection.
    if (due_messages_.next() < end_of_life_) begin_due_messages(end_of_life_ - std::chrono::nanoseconds(1));
    phase_ = Phase::kFinishing;
  }
  pump(now);
}

/// Sends what may be sent.
void LoadConnection::pump(Time now) noexcept {
  if (phase_ == Phase::kOpen && is_speaker()) begin_messages(now);
  // What came before the connection broke is there still.
  if (unsent_ > 0 && !output_is_full_ && !send_unsent(now)) return receive_what_is_left();
  settle(now);
}

void LoadConnection::begin_messages(Time now) noexcept {
  const auto& plan = thread_.plan();
  if (plan.is_open_loop()) {
    begin_due_messages(now);
  } else {
    while (!was_last_message() && under_way_.size() < plan.pipeline) begin_message(now);
  }
  if (was_last_message()) phase_ = Phase::kFinishing;
}

void LoadConnection::begin_due_messages(Time now) noexcept {
  const auto& plan = thread_.plan();
  // The last one that was due is not skipped, however little may be caught up.
  skip_before(now - std::max<Time::duration>(plan.catch_up, seconds_of(1 / plan.rate)), now);
  while (due_messages_.next() <= now && may_begin_message()) {
    begin_message(due_messages_.next());
    due_messages_.take();
  }
}

/// The run is over: what is due goes out in one batch, and what does not fit into it is given up.
void LoadConnection::begin_last_messages(Time now) noexcept {
  if (owes_messages()) begin_due_messages(now);
  skip_before(Time::max(), now);
  phase_ = Phase::kFinishing;
}

bool LoadConnection::was_last_message() const noexcept {
  return thread_.plan().messages > 0 && begun_ == thread_.plan().messages;
}

/// By the clock. Those that may not begin stay due, so that what a server leaves lying costs no memory.
bool LoadConnection::may_begin_message() const noexcept {
  return !was_last_message() && unsent_ < kLargestBatch && under_way_.size() < thread_.most_under_way();
}

void LoadConnection::begin_message(Time due) {
  under_way_.push(due);
  unsent_ += thread_.plan().message_size;
  ++begun_;
}

/// Gives up the messages that were due before `time` and have not begun. Those of the warm-up by themselves:
/// they are in no figure.
void LoadConnection::skip_before(Time time, Time now) noexcept {
  const auto skip = [&](Time due, std::uint64_t messages) { thread_.count_skipped(due, now, messages); };
  due_messages_.drop_before(std::min(time, thread_.measuring_since()), skip);
  due_messages_.drop_before(time, skip);
}

/// False if the connection is broken.
bool LoadConnection::send_unsent(Time now) noexcept {
  const bool was_waiting = check_.outstanding() > 0;
  while (unsent_ > 0) {
    const auto piece = thread_.task().pattern.at(
        check_.position(),
        static_cast<std::size_t>(std::min<std::uint64_t>(unsent_, Pattern::kLongestPiece)));
    const auto sent = ::send(fd_.get(), piece.data(), piece.size(), MSG_NOSIGNAL);
    if (sent < 0 && !would_block(errno)) return false;
    if (sent > 0) {
      check_.sent(static_cast<std::size_t>(sent));
      unsent_ -= static_cast<std::uint64_t>(sent);
      thread_.counts().sent_bytes += static_cast<std::uint64_t>(sent);
    }
    output_is_full_ = sent < static_cast<std::ptrdiff_t>(piece.size());
    if (output_is_full_) break;
  }
  if (!was_waiting) waiting_since_ = now;
  return true;
}

void LoadConnection::receive() noexcept {
  const auto& plan = thread_.plan();
  auto buffer = thread_.buffer();
  const bool is_slow = plan.slow_reader > 0 && !thread_.is_over();
  if (is_slow) {
    if (reading_pauses_) return pump(Clock::now());
    const auto most = std::max<std::uint64_t>(plan.slow_reader / kSlowReadsPerSecond, 1);
    buffer = buffer.first(std::min(buffer.size(), static_cast<std::size_t>(most)));
  }
  const auto size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  const int error = errno;
  const auto now = Clock::now();
  if (size == 0) return on_fin(now);
  if (size < 0) return would_block(error) ? pump(now) : on_broken(now);
  if (is_slow) {
    reading_pauses_ = true;
    may_read_again_ = now + seconds_of(static_cast<double>(size) / static_cast<double>(plan.slow_reader));
  }
  take(buffer.first(static_cast<std::size_t>(size)), now);
  pump(now);
}

/// What came before a reset can still be read after it.
void LoadConnection::receive_what_is_left() noexcept {
  const auto buffer = thread_.buffer();
  const auto now = Clock::now();
  for (;;) {
    const auto size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (size <= 0) return on_broken(now);
    take(buffer.first(static_cast<std::size_t>(size)), now);
  }
}

void LoadConnection::take(std::span<const std::byte> bytes, Time now) noexcept {
  thread_.counts().received_bytes += bytes.size();
  note_silence(now);
  check_.received(bytes);
  if (check_.faults().any()) report_faults();
  take_echoes(now);
}

/// A message of which nothing came back is settled, but no echo. Which one it was among those that are
/// settled together is not known; there are as many.
void LoadConnection::take_echoes(Time now) noexcept {
  const auto size = thread_.plan().message_size;
  auto lost = check_.faults().missing - lost_bytes_;
  lost_bytes_ += lost;
  while (!under_way_.is_empty() && check_.settled_bytes() >= (echoed_ + 1) * size) {
    if (lost >= size) {
      lost -= size;
      thread_.count_lost(under_way_.front(), now);
    } else {
      thread_.count_echo(under_way_.front(), now);
    }
    under_way_.pop();
    ++echoed_;
  }
}

void LoadConnection::note_silence(Time now) noexcept {
  if (check_.outstanding() == 0) return;
  thread_.note_silence(now - waiting_since_);
  waiting_since_ = now;
}

void LoadConnection::report_faults() noexcept {
  const auto& found = check_.faults();
  auto& counted = thread_.counts().faults;
  counted.wrong += found.wrong - reported_.wrong;
  counted.missing += found.missing - reported_.missing;
  counted.extra += found.extra - reported_.extra;
  reported_ = found;
}

void LoadConnection::finish(Time end, Time now) noexcept {
  due_messages_.end(end);  // we may be late, and have begun what was due after it
  if (phase_ == Phase::kIdle && !owes_messages()) thread_.due_queue().cancel(*this);
  if (!is_open()) return;
  if (phase_ == Phase::kOpen) begin_last_messages(now);
  reading_pauses_ = false;
  pump(now);
}

bool LoadConnection::is_all_back() const noexcept {
  return unsent_ == 0 && under_way_.is_empty() && check_.outstanding() == 0;
}

bool LoadConnection::waits_for_fin_alone() const noexcept {
  return sent_fin_ && is_all_back() && !thread_.plan().half_close;
}

/// What follows whenever something was sent or has come.
void LoadConnection::settle(Time now) noexcept {
  if (phase_ == Phase::kFinishing && !sent_fin_ && unsent_ == 0) finish_if_all_is_sent(now);
  watch();
  if (is_open()) schedule_next();
}

/// With --half-close FIN comes before the last echoes, otherwise behind them.
void LoadConnection::finish_if_all_is_sent(Time now) noexcept {
  if (!thread_.plan().half_close && !is_all_back()) return;
  ::shutdown(fd_.get(), SHUT_WR);
  sent_fin_ = true;
  fin_awaited_until_ = now + thread_.plan().wait;
}

void LoadConnection::on_fin(Time now) noexcept {
  const bool is_early = !sent_fin_ || check_.outstanding() > 0;
  if (is_early) ++thread_.counts().closed_early;
  lose_the_rest(now);
  close(is_early ? now + kPauseAfterFailure : now);
}

void LoadConnection::on_broken(Time now) noexcept {
  ++thread_.counts().reset;
  lose_the_rest(now);
  close(now + kPauseAfterFailure);
}

/// What is still under way will not come any more.
void LoadConnection::lose_the_rest(Time now) noexcept {
  note_silence(now);
  for (; !under_way_.is_empty(); under_way_.pop()) thread_.count_lost(under_way_.front(), now);
  check_.finish();
  report_faults();
}

void LoadConnection::give_up(Time now) noexcept {
  thread_.due_queue().cancel(*this);
  skip_before(Time::max(), now);
  switch (phase_) {
    case Phase::kIdle:
    case Phase::kClosing: return;
    case Phase::kConnecting:
      ++thread_.counts().unreachable;
      thread_.on_not_connected();
      break;
    case Phase::kOpen:
    case Phase::kFinishing:
      ++(waits_for_fin_alone() ? thread_.counts().without_fin : thread_.counts().stuck);
      lose_the_rest(now);
      break;
  }
  close(Time::max());
}

/// `again` is when it may connect anew, if the run still goes on.
void LoadConnection::close(Time again) noexcept {
  if (is_open()) thread_.on_closing();
  thread_.due_queue().cancel(*this);
  phase_ = Phase::kClosing;
  connect_again_ = again;
  poll_.close();
}

void LoadConnection::on_poll_closed() noexcept {
  fd_.reset();
  phase_ = Phase::kIdle;
  thread_.on_idle(*this, connect_again_);
}

/// Asking libuv again for what it does already would cost a system call. If the kernel has no room to poll
/// one connection more, that must not be booked on the server.
void LoadConnection::watch() noexcept {
  const bool wants_input = phase_ != Phase::kConnecting && !reading_pauses_;
  const bool wants_output = output_is_full_;
  const int wanted = (wants_input ? static_cast<int>(Readiness::kReadable) : 0) |
                     (wants_output ? static_cast<int>(Readiness::kWritable) : 0);
  if (wanted == watched_) return;
  watched_ = wanted;
  if (wanted == 0) return poll_.stop();
  if (const int status = poll_.watch(static_cast<Readiness>(wanted)); status != 0) on_unwatched(-status);
}

void LoadConnection::on_unwatched(int error_number) noexcept {
  const auto now = Clock::now();
  if (phase_ == Phase::kConnecting) {
    count_failed_connect(error_number);
  } else {
    lack_ = OwnLimit::kMemory;
    thread_.on_lack(lack_);
    for (; !under_way_.is_empty(); under_way_.pop()) thread_.count_lost(under_way_.front(), now);
  }
  close(now + kPauseAfterFailure);
}

void LoadConnection::schedule_next() {
  auto next = Time::max();
  if (phase_ == Phase::kOpen) {
    next = end_of_life_;
    if (!output_is_full_ && may_begin_message()) next = std::min(next, due_messages_.next());
  }
  if (waits_for_fin_alone()) next = std::min(next, fin_awaited_until_);
  if (reading_pauses_) next = std::min(next, may_read_again_);
  if (next == Time::max()) return thread_.due_queue().cancel(*this);
  thread_.due_queue().schedule(*this, next);
}

}  // namespace tcp_echo
