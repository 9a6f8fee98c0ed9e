#include "soak/visitor.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

// Clocks of client and server differ by what either is late: a client need not have been quiet for all of it.
constexpr auto kQuietBeforeIdle = kShortestIdle - 400ms;
constexpr auto kQuietBeforeDrained = 250ms;

// Without a byte, an answer or an end for so long, while nothing stands still, nothing will come.
constexpr auto kLongestSilence = 15s;

// Bytes a second; faster ones fill the window that the kernel gives them by themselves.
constexpr std::size_t kSlow = 1'000'000;

// One that reads nothing is told no more when its window is full.
constexpr auto kLongestNeglect = 1500ms;

// So long an excuse may take to become known.
constexpr auto kLateExcuse = 1s;

// So many bytes are read from one connection in one go, at most.
constexpr std::size_t kMostAtOnce = 64UL * 1024;

Endpoint endpoint_of(const std::string& address) {
  const auto endpoint = Endpoint::parse(address);
  if (!endpoint) throw std::invalid_argument(address);
  return *endpoint;
}

std::uint16_t own_port_of(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return Endpoint::from_sockaddr(address, size).port();
}

/// A client that reads slowly has little room for what it has not read.
void make_small(int fd) {
  constexpr int kBytes = 16 * 1024;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kBytes, sizeof kBytes);
}

}  // namespace

Visitor::Visitor(const Habit& habit, std::uint64_t number, std::uint64_t seed, const Pattern& pattern,
                 const Chronicle& chronicle, const std::string& address, std::chrono::milliseconds awake)
    : habit_(&habit),
      number_(number),
      dice_(seed),
      pattern_(pattern),
      chronicle_(chronicle),
      address_(address),
      endpoint_(endpoint_of(address)),
      fd_(::socket(endpoint_.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
      check_(pattern, pattern.start_of(number)),
      messages_left_(dice_.between(habit.least_messages, habit.most_messages)),
      vanish_after_(dice_.below(messages_left_ * habit.most_bytes / 2 + 1)),
      awake_(awake),
      last_sign_(awake) {
  if (!fd_) throw std::runtime_error("the walk is out of descriptors");
  if (habit.reads_a_second > 0 && habit.reads_a_second < kSlow) make_small(fd_.get());
  begin_to_connect();
}

void Visitor::begin_to_connect() {
  if (::connect(fd_.get(), endpoint_.address(), endpoint_.size()) == 0) return on_connected(0);
  if (errno != EINPROGRESS) on_connected(errno);
}

void Visitor::on_connected(int error) {
  if (error == ECONNREFUSED || error == ECONNRESET) return on_refused();
  if (error != 0) return end(Verdict::kFailed, std::string("connect: ") + std::strerror(error));
  own_port_ = own_port_of(fd_.get());
  connected_at_ = last_move_ = Clock::now();
  last_sign_ = awake_;
  state_ = State::kTalking;
  can_send_ = true;
}

void Visitor::on_refused() {
  if (chronicle_.is_surely_served(address_, begun_)) return end(Verdict::kFailed, "refused");
  end(Verdict::kRefused);
}

std::uint32_t Visitor::interest() const {
  if (is_in_trouble()) return 0;
  if (state_ == State::kConnecting) return EPOLLOUT;
  const bool reads_by_the_clock = habit_->reads_a_second > 0 && !is_in_a_hurry_;
  const bool reads = habit_->ending != Ending::kAbandon;
  const bool waits_for_room = !can_send_ && message_left_ > 0;
  return (reads && !reads_by_the_clock ? EPOLLIN : 0U) | (waits_for_room ? EPOLLOUT : 0U);
}

void Visitor::on_ready(std::uint32_t events, std::chrono::milliseconds awake) {
  awake_ = awake;
  if (!goes_on()) return;
  if (state_ == State::kConnecting) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    return on_connected(error);
  }
  if ((events & EPOLLOUT) != 0) can_send_ = true;
  if (habit_->ending == Ending::kAbandon && (events & (EPOLLERR | EPOLLHUP)) != 0) return vanish();
  if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) read();
  on_time(awake);
}

void Visitor::on_time(std::chrono::milliseconds awake) {
  awake_ = awake;
  if (is_in_trouble() && !verdict_) judge();
  if (goes_on() && state_ == State::kTalking) send_what_is_due();
  if (goes_on() && was_connected() && habit_->reads_a_second > 0) read();
  if (goes_on()) end_when_done();
  const bool reads_nothing = habit_->ending == Ending::kAbandon && was_connected();
  if (goes_on() && reads_nothing && since(connected_at_) > kLongestNeglect) vanish();
  if (goes_on()) look_for_silence();
}

void Visitor::look_for_silence() {
  if (!waits_for_server()) last_sign_ = awake_;
  if (awake_ - last_sign_ <= kLongestSilence) return;
  if (was_connected()) return end(Verdict::kFailed, "nothing moves any more");
  if (!chronicle_.is_surely_served(address_, begun_)) return end(Verdict::kUnanswered);
  end(Verdict::kFailed, "no answer to its connect");
}

/// Whether it is the server's turn.
bool Visitor::waits_for_server() const {
  return state_ != State::kTalking || check_.outstanding() > 0 || message_left_ > 0;
}

void Visitor::hurry() {
  is_in_a_hurry_ = true;
  if (is_in_trouble()) return;
  if (message_left_ == 0) messages_left_ = 0;
  if (state_ == State::kConnecting) end(Verdict::kUnanswered);
}

/// Whether there is something to send.
bool Visitor::begin_message() {
  if (message_left_ > 0) return true;
  if (messages_left_ == 0 || (habit_->waits && check_.outstanding() > 0)) return false;
  const auto now = Clock::now();
  if (next_message_at_ == Moment{} && habit_->longest_pause > 0ms) {
    next_message_at_ =
        now + std::chrono::milliseconds(dice_.below(static_cast<std::size_t>(habit_->longest_pause.count())));
  }
  if (now < next_message_at_) return false;
  next_message_at_ = Moment{};
  message_left_ = dice_.between(habit_->least_bytes, habit_->most_bytes);
  messages_left_ = is_in_a_hurry_ ? 0 : messages_left_ - 1;
  return true;
}

void Visitor::send_what_is_due() {
  while (can_send_ && goes_on() && begin_message()) {
    const auto size = send_some(message_left_);
    message_left_ -= size;
    if (size > 0 && is_vanishing()) return vanish();
  }
}

std::size_t Visitor::send_some(std::size_t most) {
  const auto bytes = pattern_.at(check_.position(), most);
  const bool is_last_byte = habit_->is_urgent && bytes.size() == 1;
  const auto size = is_last_byte || !habit_->is_urgent ? bytes.size() : bytes.size() - 1;
  const int flags = MSG_NOSIGNAL | (is_last_byte ? MSG_OOB : 0);
  const auto sent = ::send(fd_.get(), bytes.data(), size, flags);
  if (sent < 0) {
    can_send_ = false;
    if (errno != EAGAIN) on_error(errno);
    return 0;
  }
  if (check_.outstanding() == 0)
    quiet_before_ = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - last_move_);
  check_.sent(static_cast<std::size_t>(sent));
  sent_ += static_cast<std::size_t>(sent);
  last_move_ = Clock::now();
  return static_cast<std::size_t>(sent);
}

bool Visitor::is_vanishing() const {
  return (habit_->ending == Ending::kReset || habit_->ending == Ending::kAbandon) && sent_ >= vanish_after_;
}

/// How much it may read by now; one that reads slowly spreads it over time.
std::size_t Visitor::readable_now() const {
  if (habit_->reads_a_second == 0 || is_in_a_hurry_) return kMostAtOnce;
  const auto allowed = static_cast<std::size_t>(since(connected_at_).count()) * habit_->reads_a_second / 1000;
  return allowed > received_ ? std::min(allowed - received_, kMostAtOnce) : 0;
}

void Visitor::read() {
  static std::array<std::byte, kMostAtOnce> buffer;  // of the one thread that all visitors share
  const auto most = readable_now();
  if (most == 0 || habit_->ending == Ending::kAbandon) return;
  const auto size = ::recv(fd_.get(), buffer.data(), most, 0);
  if (size == 0) return on_fin();
  if (size < 0) {
    if (errno != EAGAIN) on_error(errno);
    return;
  }
  received_ += static_cast<std::size_t>(size);
  check_.received(std::span(buffer).first(static_cast<std::size_t>(size)));
  if (const auto& faults = check_.faults(); faults.any())
    return end(Verdict::kFailed, "other bytes came back");
  last_move_ = Clock::now();
  longest_silence_ = std::max(longest_silence_, awake_ - last_sign_);
  last_sign_ = awake_;
}

void Visitor::end_when_done() {
  if (state_ != State::kTalking || message_left_ > 0 || messages_left_ > 0) return;
  switch (habit_->ending) {
    case Ending::kClose:
      if (check_.outstanding() == 0) end(Verdict::kServed);
      return;
    case Ending::kHalfClose:
      ::shutdown(fd_.get(), SHUT_WR);
      state_ = State::kHalfClosed;
      return;
    case Ending::kReset:
    case Ending::kAbandon: return vanish();
  }
}

void Visitor::vanish() {
  const linger now{.l_onoff = habit_->ending == Ending::kReset ? 1 : 0, .l_linger = 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  end(Verdict::kVanished);
}

bool Visitor::was_quiet_for(std::chrono::milliseconds time) const {
  return check_.outstanding() > 0 ? quiet_before_ >= time : trouble_at_ - last_move_ >= time;
}

void Visitor::on_fin() {
  if (state_ == State::kHalfClosed && check_.outstanding() == 0) return end(Verdict::kServed);
  get_into_trouble(check_.outstanding() > 0 ? "a clean FIN with bytes missing" : "closed for no reason");
}

void Visitor::on_error(int error) {
  is_broken_ = true;
  get_into_trouble(std::string("the connection broke: ") + std::strerror(error));
}

void Visitor::get_into_trouble(const std::string& what) {
  trouble_ = what;
  trouble_at_ = Clock::now();
  judge();
}

/// What excuses it may become known a little later: the log is read now and then, and the kernel closes the
/// descriptors of a process a while before it says that the process has ended.
void Visitor::judge() {
  if (const auto excuse = find_excuse()) return end(*excuse);
  if (Clock::now() - trouble_at_ > kLateExcuse) end(Verdict::kFailed, trouble_);
}

std::optional<Verdict> Visitor::find_excuse() const {
  // A worker that is killed resets its connections, however they were: FIN would look like the whole.
  const bool was_broken = is_broken_ || was_reset();
  if (was_broken && chronicle_.explains_loss({own_port_, endpoint_.port()}, connected_at_))
    return Verdict::kLostWithWorker;
  // Of one that is broken: its bytes met a socket that had been closed after a FIN which it has not read yet.
  if (was_quiet_for(kQuietBeforeIdle)) return Verdict::kClosedIdle;
  const bool may_be_drained =
      !is_broken_ && (check_.outstanding() == 0 || was_quiet_for(kQuietBeforeDrained));
  if (may_be_drained && chronicle_.drains(trouble_at_)) return Verdict::kDrained;
  const bool is_whole_or_broken = was_broken || check_.outstanding() == 0;
  if (is_whole_or_broken && chronicle_.is_past_deadline(trouble_at_)) return Verdict::kCutAtDeadline;
  return std::nullopt;
}

/// Whether RST came behind the FIN. A server that closes answers what it has not read, or what comes later,
/// with RST; so without one it has read all that was sent, and kept something for itself.
bool Visitor::was_reset() const {
  tcp_info info{};
  socklen_t size = sizeof info;
  ::getsockopt(fd_.get(), IPPROTO_TCP, TCP_INFO, &info, &size);
  return info.tcpi_state == TCP_CLOSE;
}

void Visitor::end(Verdict verdict, const std::string& why) {
  if (verdict == Verdict::kFailed) complaint_ = description() + ": " + why;
  verdict_ = verdict;
}

std::string Visitor::description() const {
  const auto& faults = check_.faults();
  const auto age = [](Moment moment) { return std::to_string(since(moment).count()) + " ms ago"; };
  return "client " + std::to_string(number_) + " (" + std::string(habit_->name) + ") from port " +
         std::to_string(own_port_) + " to " + address_ + ", begun " + age(begun_) +
         (was_connected() ? ", connected " + age(connected_at_) : ", not connected") + ", " +
         std::to_string(sent_) + " bytes sent, " + std::to_string(received_) + " received, " +
         std::to_string(check_.outstanding()) + " outstanding (" + std::to_string(faults.wrong) + " wrong, " +
         std::to_string(faults.missing) + " missing, " + std::to_string(faults.extra) +
         " extra), last byte " + age(last_move_) + ", quiet for " + std::to_string(quiet_before_.count()) +
         " ms before the outstanding ones" + (state_ == State::kHalfClosed ? ", FIN sent" : "");
}

}  // namespace tcp_echo::test
