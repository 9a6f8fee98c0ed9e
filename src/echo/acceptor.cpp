#include "tcp_echo/echo/acceptor.hpp"

#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "tcp_echo/base/text.hpp"
#include "tcp_echo/net/accept_queue.hpp"
#include "tcp_echo/net/listening_socket.hpp"
#include "tcp_echo/net/socket_options.hpp"

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;

// A burst of new clients must not keep the old ones waiting for longer than a few echoes take.
constexpr int kAcceptsPerTurn = 16;

// The kernel does not tell when it has descriptors or memory again, so try now and then.
constexpr auto kRetryDelay = 500ms;

// A limit that is hit once is hit with every new connection.
constexpr auto kTellAtMostEvery = 10s;

AcceptError kind_of(int error_number) noexcept {
  switch (error_number) {
    case EMFILE:
    case ENFILE: return AcceptError::kDescriptors;
    case ENOBUFS:
    case ENOMEM: return AcceptError::kMemory;
    default: return AcceptError::kOther;
  }
}

}  // namespace

Acceptor::Acceptor(Loop& loop, UniqueFd listener, std::string name, Behaviour& behaviour,
                   ConnectionTable& table, ListenerId id)
    : loop_(loop),
      listener_(std::move(listener)),
      name_(std::move(name)),
      behaviour_(behaviour),
      table_(table),
      id_(id),
      behind_(accept_queue_of(listener_.get()).waiting),
      listener_is_ours_(resets_on_close(listener_.get())),
      poll_(std::make_unique<Poll>(loop, listener_.get(), [this] { on_ready(); })),
      retry_(loop, [this] { resume(); }),
      quiet_(loop, [this] { on_quiet(); }) {
  value_or_throw(poll_->watch(Readiness::kReadable));
}

void Acceptor::on_ready() noexcept {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    const auto outcome = accept_one();
    if (outcome == Outcome::kQueueEmpty || outcome == Outcome::kPaused) break;
  }
  watch_for_quiet();
}

Acceptor::Outcome Acceptor::accept_one() noexcept {
  if (!table_.has_room()) return pause(AcceptError::kConnections, text_of(AcceptError::kConnections), false);
  UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd) return pause_after(errno);
  if (makes_deaf_) hear_out(fd.get());
  if (behind_ > 0 || !listener_is_ours_) table_.set_options(fd.get());
  if (behind_ > 0) --behind_;
  const bool last = fd.get() >= table_.settings().descriptor_limit;
  table_.add(std::move(fd), behaviour_, id_);
  if (!last) return Outcome::kAccepted;
  return pause(AcceptError::kDescriptors, text_of(AcceptError::kDescriptors),
               table_.is_empty());  // then there is no connection whose close would wake us
}

// Which errors can be had, and that those of the new socket's network are to be passed over: accept(2).
Acceptor::Outcome Acceptor::pause_after(int error_number) noexcept {
  switch (error_number) {
    case EAGAIN: return Outcome::kQueueEmpty;
    case EINTR: return Outcome::kTryNext;
    case ECONNABORTED:
    case EPERM:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH: table_.counters().errors_for(AcceptError::kAborted).add(1); return Outcome::kTryNext;
    default:  // EMFILE, ENFILE, ENOBUFS, ENOMEM, and whatever the kernel may come up with
      return pause(kind_of(error_number), "accept4: " + reason_of(error_number), true);
  }
}

Acceptor::Outcome Acceptor::pause(AcceptError error, std::string_view why, bool with_timer) noexcept {
  poll_->stop();
  paused_ = true;
  if (with_timer) retry_.start(kRetryDelay);
  table_.counters().errors_for(error).add(1);
  table_.counters().accept_pauses.add(1);
  if (loop_.now() >= may_tell_again_) {
    spdlog::warn(
        "{}: {} with {} open; accepting pauses and further clients wait in the queue, {} ({} so far)", name_,
        why, counted(table_.size(), "connection"),
        with_timer ? fmt::format("next try in {}", format_duration(kRetryDelay))
                   : "until a connection closes",
        counted(table_.counters().accept_pauses.get(), "pause"));
    may_tell_again_ = loop_.now() + kTellAtMostEvery;
  }
  return Outcome::kPaused;
}

void Acceptor::on_room() noexcept {
  if (paused_) resume();
}

void Acceptor::resume() noexcept {
  paused_ = false;
  retry_.stop();
  if (held_) return;
  if (auto watched = poll_->watch(Readiness::kReadable); !watched) {
    pause(AcceptError::kOther, watched.error().text, true);
    return;
  }
  watch_for_quiet();
}

void Acceptor::watch_for_quiet() noexcept {
  if (on_finished_ && !is_finished_) quiet_.start(kHandshakeGrace);
}

void Acceptor::hold() noexcept {
  held_ = true;
  if (poll_ != nullptr) poll_->stop();
  retry_.stop();
}

void Acceptor::go_on() noexcept {
  if (poll_ == nullptr) return;
  held_ = false;
  behind_ = accept_queue_of(listener_.get()).waiting;
  listener_is_ours_ = resets_on_close(listener_.get());
  resume();
}

void Acceptor::finish(std::function<void()> on_finished) {
  on_finished_ = std::move(on_finished);
  makes_deaf_ = makes_deaf(listener_.get());
  go_on();
}

void Acceptor::on_quiet() noexcept {
  if (paused_) return;  // the queue is not read, and clients may wait there
  // Timers come before readiness: in a process that was stopped for a while, a client may have come long ago.
  if (accept_one() != Outcome::kQueueEmpty) return watch_for_quiet();
  is_finished_ = true;
  on_finished_();
}

/// The poll goes first: its descriptor's number may be a client's soon, and stopping it then would make that
/// client deaf.
void Acceptor::let_go() noexcept {
  hold();
  quiet_.stop();
  poll_.reset();
  listener_.reset();
}

}  // namespace tcp_echo
