#include "tcp_echo/echo/connection.hpp"

#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <new>

#include "tcp_echo/base/text.hpp"
#include "tcp_echo/echo/connection_table.hpp"
#include "tcp_echo/net/socket_options.hpp"
#include "tcp_echo/net/tcp_state.hpp"

namespace tcp_echo {
namespace {

bool try_later(int error_number) noexcept { return error_number == EAGAIN || error_number == EINTR; }
bool is_out_of_memory(int error_number) noexcept { return error_number == ENOMEM || error_number == ENOBUFS; }

}  // namespace

using Phase = ConnectionState::Phase;

int Connection::start(Loop& loop) noexcept {
  const int status = poll_.init(loop, fd_.get(), *this);
  return status == 0 ? poll() : status;
}

int Connection::poll() noexcept {
  return poll_.watch(state_.unsent.is_empty() ? Readiness::kReadable : Readiness::kWritable);
}

/// Without room in the kernel for its poll nothing can be heard of it any more.
void Connection::watch() noexcept {
  if (poll() != 0) close(CloseReason::kLimit);
}

void Connection::on_ready(bool failed) noexcept {
  switch (state_.phase) {
    case Phase::kEchoing:
      if (failed) return close(CloseReason::kReset);
      return state_.unsent.is_empty() ? receive_and_respond() : send_unsent();
    case Phase::kLingering: return failed ? close(state_.reason) : discard();
    case Phase::kClosing: return;
  }
}

void Connection::receive_and_respond() noexcept {
  const auto buffer = table_.read_buffer();
  const auto size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (size == 0) return close_with_fin(CloseReason::kClient);  // nothing is unsent, or we would not read
  if (size < 0) {
    if (!try_later(errno)) close(CloseReason::kReset);
    return;
  }
  count_received(size);
  table_.idle_queue().touch(*this);

  const auto reply = behaviour_.respond(buffer.first(static_cast<std::size_t>(size)));
  const auto sent = send(reply);
  if (sent < 0) return;
  const auto rest = reply.subspan(static_cast<std::size_t>(sent));
  if (rest.empty()) return;
  if (!keep_unsent(rest)) return close(CloseReason::kLimit);  // the rest is lost
  watch();
}

void Connection::send_unsent() noexcept {
  auto& unsent = state_.unsent;
  const auto sent = send(unsent.rest());
  if (sent <= 0) return;
  unsent.begin += static_cast<std::uint32_t>(sent);
  table_.idle_queue().touch(*this);
  if (!unsent.is_empty()) return;
  unsent = {};
  watch();
}

std::ptrdiff_t Connection::send(std::span<const std::byte> bytes) noexcept {
  const auto sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent >= 0) {
    table_.counters().sent_bytes.add(static_cast<std::uint64_t>(sent));
    state_.sent_bytes += static_cast<std::uint64_t>(sent);
    return sent;
  }
  if (try_later(errno)) return 0;
  close(is_out_of_memory(errno) ? CloseReason::kLimit : CloseReason::kReset);  // what was received is lost
  return -1;
}

bool Connection::keep_unsent(std::span<const std::byte> rest) noexcept {
  auto& unsent = state_.unsent;
  unsent.bytes.reset(new (std::nothrow) std::byte[rest.size()]);
  if (unsent.bytes == nullptr) return false;
  std::memcpy(unsent.bytes.get(), rest.data(), rest.size());
  unsent.begin = 0;
  unsent.end = static_cast<std::uint32_t>(rest.size());
  return true;
}

void Connection::count_received(std::ptrdiff_t size) noexcept {
  table_.counters().received_bytes.add(static_cast<std::uint64_t>(size));
  state_.received_bytes += static_cast<std::uint64_t>(size);
}

void Connection::discard() noexcept {
  const auto buffer = table_.read_buffer();
  const auto size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (size > 0) return count_received(size);
  if (size == 0 || !try_later(errno)) close(state_.reason);
}

/// Timers come before readiness in a turn of the loop, and a process that stood still for a while finds both
/// due. Whether something could move after all, or the connection ended.
bool Connection::had_a_turn_due() noexcept {
  const auto moved_before = state_.received_bytes + state_.sent_bytes;
  on_ready(false);
  return is_closing() || state_.received_bytes + state_.sent_bytes != moved_before;
}

void Connection::on_quiet() noexcept {
  if (had_a_turn_due()) return;
  if (table_.is_draining()) {
    // A client that still has bytes to come gets them, for as long as --shutdown-timeout allows.
    if (state_.unsent.is_empty() && unacknowledged_bytes(fd_.get()) == 0) return finish(CloseReason::kDrain);
    return table_.idle_queue().touch(*this);
  }
  // A slow reader takes bytes from the kernel's buffer while we wait for room in it: that is not idle.
  if (delivered_within(fd_.get(), table_.settings().idle_timeout)) return table_.idle_queue().touch(*this);
  close_idle();
}

void Connection::close_idle() noexcept {
  if (table_.settings().send_reset || !state_.unsent.is_empty()) return close(CloseReason::kIdle);
  const auto& notice = table_.settings().idle_notice;
  if (!notice.empty() && send(std::as_bytes(std::span(notice))) < 0) return;
  finish(CloseReason::kIdle);
}

/// Our FIN, then the peer's. Closing at once would answer whatever is still on its way to us with a reset,
/// and that may destroy bytes which the peer has not read yet.
void Connection::finish(CloseReason reason) noexcept {
  fin_on_close(fd_.get());
  ::shutdown(fd_.get(), SHUT_WR);
  if (table_.settings().linger_timeout.count() == 0) return close(reason);
  state_.phase = Phase::kLingering;
  state_.reason = reason;
  table_.idle_queue().remove(*this);
  table_.linger_queue().add(*this);
}

void Connection::on_linger_over() noexcept {
  const bool is_left_to_the_kernel = table_.settings().linger_timeout.count() == 0;
  if (!is_left_to_the_kernel) reset_on_close(fd_.get());
  close(state_.reason);
}

void Connection::close_now(CloseReason reason) noexcept {
  if (state_.unsent.is_empty()) fin_on_close(fd_.get());
  close(state_.phase == Phase::kLingering ? state_.reason : reason);
}

IdleQueue& Connection::queue() noexcept {
  return state_.phase == Phase::kLingering ? table_.linger_queue() : table_.idle_queue();
}

void Connection::suspend() noexcept {
  queue().remove(*this);
  poll_.stop();
}

void Connection::resume() noexcept {
  queue().insert(*this, last_activity());
  watch();
}

void Connection::release() noexcept {
  state_.phase = Phase::kClosing;
  table_.counters().handed_over_out.add(1);
  poll_.close();
}

void Connection::close_in_doubt(CloseReason reason) noexcept {
  reset_on_close(fd_.get());  // also one that lingers
  state_.phase = Phase::kClosing;
  table_.count_close(state_, reason);
  poll_.close();
}

void Connection::close_with_fin(CloseReason reason) noexcept {
  fin_on_close(fd_.get());
  close(reason);
}

// The descriptor is closed together with this object, when libuv has let go of it.
void Connection::close(CloseReason reason) noexcept {
  queue().remove(*this);
  state_.phase = Phase::kClosing;
  if (spdlog::should_log(spdlog::level::debug)) {
    spdlog::debug("connection on descriptor {} closes: {}, after {}, {} received, {} sent", fd_.get(),
                  name_of(reason), format_duration(table_.now() - state_.opened_at),
                  format_bytes(state_.received_bytes), format_bytes(state_.sent_bytes));
  }
  table_.count_close(state_, reason);
  poll_.close();
}

void Connection::on_poll_closed() noexcept { table_.erase(*this); }

}  // namespace tcp_echo
