// Readiness of a descriptor: uv_poll_t, http://docs.libuv.org/en/v1.x/poll.html
//
// Two shapes of the same thing. Poll owns its memory and calls a function: for the few (listeners, control
// channels). EmbeddedPoll lies inside its owner and calls a member of it: for the many (connections), where
// an allocation, an indirect call and what a new handle costs would count.
//
// Rules of libuv for both: level-triggered; one poll per descriptor and loop; stop or close the poll before
// the descriptor is closed. An error condition arrives as a negative status, once, and the poll has stopped
// by then: ask the descriptor what it is.
#pragma once

#include <functional>

#include "tcp_echo/loop/loop.hpp"

namespace tcp_echo {

enum class Readiness : int {
  kReadable = UV_READABLE,
  kWritable = UV_WRITABLE,
  kEither = UV_READABLE | UV_WRITABLE,
};

class Poll {
 public:
  /// Makes `fd` non-blocking; does not own it. Throws FatalError if it cannot be polled.
  Poll(Loop& loop, int fd, std::function<void()> on_ready);

  /// Fails if the kernel has no room for one more descriptor that is polled; the poll has stopped then.
  Result<void> watch(Readiness what);
  void stop() noexcept;

 private:
  using PollHandle = Handle<uv_poll_t, std::function<void()>>;
  PollHandle handle_;
};

/// `Owner` has on_ready(bool failed) noexcept and on_poll_closed() noexcept, and outlives the latter.
template <class Owner>
class EmbeddedPoll {
 public:
  EmbeddedPoll() = default;
  EmbeddedPoll(const EmbeddedPoll&) = delete;
  EmbeddedPoll& operator=(const EmbeddedPoll&) = delete;

  /// For a socket that does not block; once more after on_poll_closed(). Returns libuv's error number; if it
  /// is not 0 the poll must not be used, nor closed.
  int init(Loop& loop, int fd, Owner& owner) noexcept {
    int status = 0;
    polls_ = &loop.descriptor_polls();
    entry_ = polls_->take(fd, status);
    if (entry_ != nullptr) entry_->raw.data = &owner;
    return status;
  }

  /// Returns libuv's error number; if it is not 0 the kernel has no room to poll it, and it has stopped.
  [[nodiscard]] int watch(Readiness what) noexcept {
    return start_poll(entry_->raw, static_cast<int>(what), [](uv_poll_t* raw, int status, int) noexcept {
      static_cast<Owner*>(raw->data)->on_ready(status < 0);
    });
  }

  /// Events cease at once, and the kernel forgets the descriptor: it may be sent to another process. watch()
  /// begins anew.
  void stop() noexcept { uv_poll_stop(&entry_->raw); }

  /// Events cease at once; on_poll_closed() follows at the end of this turn of the loop.
  void close() noexcept {
    polls_->close(*entry_, [](void* owner) noexcept { static_cast<Owner*>(owner)->on_poll_closed(); });
  }

 private:
  DescriptorPolls* polls_ = nullptr;
  DescriptorPolls::Entry* entry_ = nullptr;
};

}  // namespace tcp_echo
